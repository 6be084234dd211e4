{# The user's own columns of an input table, as `, alias.x_name` each. #}
{% macro extra_columns(relation, alias) -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(relation)
                if column.name.startswith('x_') -%}
            , {{ alias }}.{{ quote_name(column.name) }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# Codes are compared without regard to case, outer blanks, and `_`, `-` or blank between words. #}
{% macro code_key(expression) -%}
    replace(replace(lower(trim({{ expression }})), '_', ' '), '-', ' ')
{%- endmacro %}

{# All rows of an input table with `_copy`: 1 for the row that stays among those of one key.
   Only rows of repeated keys are sorted. The whole row breaks ties, so that copies which still
   tie are the same. #}
{% macro numbered_copies(relation, key, order_by) -%}
    select *, 1 as _copy
    from {{ relation }}
    where {{ key }} is null or {{ key }} not in ({{ repeated_keys(relation, key) }})
    union all
    select
        *,
        row_number() over (
            partition by {{ key }}
            order by {{ order_by }}, {{ row_as_text('copies') }}
        ) as _copy
    from {{ relation }} as copies
    where {{ key }} in ({{ repeated_keys(relation, key) }})
{%- endmacro %}

{% macro repeated_keys(relation, key) -%}
    select {{ key }} from {{ relation }}
    where {{ key }} is not null
    group by {{ key }} having count(*) > 1
{%- endmacro %}

{% macro row_as_text(alias) -%}
    {{ return(adapter.dispatch('row_as_text', 'applicant_personas')(alias)) }}
{%- endmacro %}

{% macro default__row_as_text(alias) -%}
    to_json(struct({{ alias }}.*))
{%- endmacro %}

{% macro duckdb__row_as_text(alias) -%}
    cast({{ alias }} as varchar)
{%- endmacro %}

{# How many of the columns hold a value: the most complete copy of a row stays. #}
{% macro count_present(columns) -%}
    {%- for column in columns -%}
    case when {{ column }} is null then 0 else 1 end{{ ' + ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# Why a row that belongs to a person does not stay; null where the person does. #}
{% macro person_rule(ids, erased) -%}
    when {{ ids }}.status in ('test', 'merge_cycle') then 'person_' || {{ ids }}.status
        when {{ erased }}.person_id is not null then 'person_deleted'
        when {{ ids }}.source_person_id is null then 'orphan_person'
{%- endmacro %}

{# Dates that systems write for `unknown`, such as 1900-01-01 and 9999-12-31, are null. #}
{% macro real_date(column) -%}
    case
        when {{ column }} >= date '1901-01-01' and {{ column }} < date '9999-01-01'
            then {{ column }}
    end
{%- endmacro %}

{# Columns whose dates may be sentinels, and the ranges outside of which a number is refused:
   staging nulls by them, dq_score_issues lists by them. #}
{% macro checked_dates() -%}
    {{ return({
        'persons': ['created_at'],
        'applications': [
            'started_at', 'submitted_at', 'completed_at', 'admitted_at', 'denied_at',
            'deposited_at', 'enrolled_at', 'withdrawn_at', 'scholarship_offered_at',
        ],
        'test_scores': ['test_date', 'received_at'],
        'education_records': ['graduated_on', 'received_at'],
        'interactions': ['recorded_at'],
        'stage_events': ['recorded_at'],
    }) }}
{%- endmacro %}

{% macro checked_ranges() -%}
    {{ return({
        'persons': {
            'distance_km': [0, 20038], 'years_experience': [0, 70], 'birth_year': [1901, 2100],
        },
        'applications': {'scholarship_offer_amount': [0, 1000000000]},
        'interactions': {'minutes': [0, 10000]},
    }) }}
{%- endmacro %}

{% macro in_range(table_name, column, alias) -%}
    {%- set range = checked_ranges()[table_name][column] -%}
    case
        when {{ alias }}.{{ column }} between {{ range[0] }} and {{ range[1] }}
            then {{ alias }}.{{ column }}
    end
{%- endmacro %}

{# The raw text of a value that the input could not type. #}
{% macro refused_value(alias, column) -%}
    {{ return(adapter.dispatch('refused_value', 'applicant_personas')(alias, column)) }}
{%- endmacro %}

{% macro default__refused_value(alias, column) -%}
    filter({{ alias }}._refused, item -> item.column_name = '{{ column }}')[0].raw_value
{%- endmacro %}

{% macro duckdb__refused_value(alias, column) -%}
    list_filter({{ alias }}._refused, lambda item: item.column_name = '{{ column }}')[1].raw_value
{%- endmacro %}

{# One row for each refused value of a relation. #}
{% macro refused_rows(relation, columns) -%}
    {{ return(adapter.dispatch('refused_rows', 'applicant_personas')(relation, columns)) }}
{%- endmacro %}

{% macro default__refused_rows(relation, columns) -%}
    select {{ columns }}, inline(_refused) as (column_name, raw_value) from {{ relation }}
    where _refused is not null
{%- endmacro %}

{% macro duckdb__refused_rows(relation, columns) -%}
    select {{ columns }}, refused.column_name, refused.raw_value
    from (
        select {{ columns }}, unnest(_refused) as refused from {{ relation }}
        where _refused is not null
    ) as listed
{%- endmacro %}

{# The reviewed tables, and the text that names a row of each. #}
{% macro reviewed_keys() -%}
    {{ return({
        'persons': 'person_id',
        'applications': 'application_id',
        'stage_events':
            "application_id || '|' || coalesce(stage, '') || '|' "
            ~ "|| coalesce(cast(occurred_at as varchar), '')",
        'test_scores': 'score_id',
        'education_records': 'education_id',
        'interactions': 'interaction_id',
        'entry_terms': 'entry_term',
        'programs': 'program_code',
        'protected_attributes': "person_id || '|' || coalesce(attribute, '')",
    }) }}
{%- endmacro %}

{# Where each code set is used: table, column, crosswalk, and the rows' key. #}
{% macro coded_columns() -%}
    {{ return([
        ['stage', 'applications', 'current_stage', 'xwalk_stages'],
        ['stage', 'stage_events', 'stage', 'xwalk_stages'],
        ['test', 'test_scores', 'test_code', 'xwalk_tests'],
        ['component', 'test_scores', 'component', 'xwalk_components'],
        ['score_status', 'test_scores', 'status', 'xwalk_values'],
        ['score_scale', 'test_scores', 'scale_code', 'xwalk_values'],
        ['interaction_type', 'interactions', 'interaction_type', 'xwalk_interaction_types'],
        ['interaction_status', 'interactions', 'status', 'xwalk_values'],
        ['country', 'persons', 'country_of_residence', 'xwalk_countries'],
        ['country', 'persons', 'country_of_citizenship', 'xwalk_countries'],
        ['country', 'education_records', 'country', 'xwalk_countries'],
        ['residency', 'persons', 'residency', 'xwalk_values'],
        ['gpa_direction', 'education_records', 'gpa_direction', 'xwalk_values'],
        ['term_status', 'entry_terms', 'status', 'xwalk_values'],
        ['test_policy', 'programs', 'test_policy', 'xwalk_values'],
    ]) }}
{%- endmacro %}
