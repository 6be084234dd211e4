{# The user's own columns of an input table, as `, alias.x_name` each. #}
{% macro extra_columns(relation, alias) -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(relation)
                if column.name.startswith('x_') -%}
            , {{ alias }}.{{ quote_name(column.name) }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# All rows of an input table with `_copy`: 1 for the row that stays among those of one key.
   Only rows of repeated keys are sorted. #}
{% macro numbered_copies(table_name, key, order_by) -%}
    select
        delivered.*,
        1 as _copy
    from {{ ref('input__' ~ table_name) }} as delivered
    where not {{ is_repeated(table_name, 'duplicate_key', 'delivered.' ~ key) }}
    union all
    select
        delivered.*,
        {{ copy_number(['delivered.' ~ key], order_by, 'delivered') }} as _copy
    from {{ ref('input__' ~ table_name) }} as delivered
    where {{ is_repeated(table_name, 'duplicate_key', 'delivered.' ~ key) }}
{%- endmacro %}

{# The whole row breaks ties, so that copies which still tie are the same. #}
{% macro copy_number(keys, order_by, alias) -%}
    row_number() over (
            partition by {{ keys | join(', ') }}
            order by {{ order_by }}, {{ row_as_text(alias) }}
        )
{%- endmacro %}

{# Whether more than one row of the table has the key, by stg_repeated_keys. #}
{% macro is_repeated(table_name, rule, key) -%}
    exists (
        select 1 from {{ ref('stg_repeated_keys') }} as repeated
        where repeated.table_name = '{{ table_name }}'
            and repeated.rule = '{{ rule }}'
            and repeated.row_key = {{ key }}
    )
{%- endmacro %}

{% macro row_as_text(alias) -%}
    {{ return(adapter.dispatch('row_as_text', 'applicant_personas')(alias)) }}
{%- endmacro %}

{% macro spark__row_as_text(alias) -%}
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
{% macro person_rule(ids) -%}
    when {{ ids }}.status in ('test', 'merge_cycle') then 'person_' || {{ ids }}.status
        when {{ ids }}.source_person_id is null then 'orphan_person'
{%- endmacro %}

{# Dates that systems write for `unknown`, such as 1900-01-01 and 9999-12-31, are null. #}
{% macro real_date(column) -%}
    case
        when {{ column }} >= date '1901-01-01' and {{ column }} < date '9999-01-01'
            then {{ column }}
    end
{%- endmacro %}

{# When a row is known: when it was recorded, but never before it occurred. #}
{% macro known_at(recorded, occurred) -%}
    case when {{ recorded }} >= {{ occurred }} then {{ recorded }}
        else coalesce({{ occurred }}, {{ recorded }}) end
{%- endmacro %}

{# A row recorded before it occurred; a stamp without a time covers its whole day. #}
{% macro is_recorded_early(recorded, occurred) -%}
    ({{ recorded }} < {{ occurred }}
        and {{ real_date(recorded) }} is not null
        and {{ real_date(occurred) }} is not null
        and ({{ recorded }} < cast({{ occurred }} as date)
            or {{ recorded }} <> cast({{ recorded }} as date)))
{%- endmacro %}

{# Columns that say when a row was recorded, and when what it tells occurred. #}
{% macro recorded_columns() -%}
    {{ return({
        'stage_events': ['recorded_at', 'occurred_at'],
        'interactions': ['recorded_at', 'occurred_at'],
        'test_scores': ['received_at', 'test_date'],
    }) }}
{%- endmacro %}

{# Columns whose dates may be sentinels: staging nulls by them, dq_score_issues lists by them. #}
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
        'entry_terms': ['opens_on', 'census_on'],
    }) }}
{%- endmacro %}

{# The raw text of a value that the input could not type. #}
{% macro refused_value(alias, column) -%}
    list_filter({{ alias }}._refused, lambda item: item.column_name = '{{ column }}')[1].raw_value
{%- endmacro %}

{# One row for each refused value of a relation. #}
{% macro refused_rows(relation, columns) -%}
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
