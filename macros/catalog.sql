{# The feature catalog, read once its table exists: the single source of what is a feature. #}

{# Rows of the catalog as a list of dicts, optionally only those of some roles. #}
{% macro catalog_features(roles=none, kinds=none) -%}
    {%- set relation = load_relation(ref('stg_feature_catalog')) -%}
    {%- if not execute or relation is none -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set features = [] -%}
    {%- for row in run_query(
        'select * from ' ~ relation ~ ' order by block, priority, feature'
    ) -%}
        {%- set row = row.dict() -%}
        {%- if (roles is none or row.role in roles) and (kinds is none or row.kind in kinds) -%}
            {%- do features.append(row) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(features) }}
{%- endmacro %}

{% macro numeric_kinds() -%}
    {{ return(['number', 'count', 'boolean', 'ordered']) }}
{%- endmacro %}

{# Features that become columns of `ftr_applicants`; `audit` and `never` stay out. #}
{% macro model_features() -%}
    {{ return(catalog_features(roles=['persona', 'enrollment', 'both', 'describe'])) }}
{%- endmacro %}

{# Features that may shape a persona, categories too where the catalog says so. #}
{% macro shaping_features() -%}
    {{ return(
        catalog_features(roles=['persona', 'both']) | rejectattr('barred_from_personas') | list
    ) }}
{%- endmacro %}

{# The numeric ones of them. #}
{% macro persona_features() -%}
    {{ return(shaping_features() | rejectattr('kind', 'equalto', 'category') | list) }}
{%- endmacro %}

{# True where a row of the catalog takes its value from the offer, or from what came of it: no
   persona is made of that, whatever stage and role the row has. #}
{% macro tells_the_decision(catalog) -%}
    {%- set columns = ['current_stage', 'scholarship_offer_amount', 'scholarship_offered_at'] -%}
    {%- for stage in ['admitted', 'denied', 'deposited', 'enrolled', 'withdrawn'] -%}
        {%- do columns.append(stage ~ '_at') -%}
    {%- endfor -%}
    ({{ catalog }}.source_column like 'int!_offers!_known.%' escape '!'
    or {{ catalog }}.source_column in (
        {%- for column in columns %}
        'applications.{{ column }}', 'stg_applications.{{ column }}',
        {%- endfor %}
        'int_engagement_known.admitted_day_attended', 'int_engagement_known.last_touch_on',
        'int_timing_known.days_in_review', 'int_timing_known.days_since_admission',
        'int_timing_known.days_since_deposit', 'int_timing_known.days_since_last_touch',
        'int_timing_known.has_deposited', 'int_timing_known.has_deposited_elsewhere'
    ))
{%- endmacro %}

{# True where a row of the catalog takes its value from where people come from or from their age. #}
{% macro is_origin_or_age(catalog) -%}
    {%- set columns = [
        'country_of_residence', 'country_of_citizenship', 'residency', 'birth_year'
    ] -%}
    {{ catalog }}.source_column in (
        'int_applications_as_of.is_domestic', 'int_applications_as_of.residency'
        {%- for column in columns %}, 'persons.{{ column }}', 'stg_persons.{{ column }}'
        {%- endfor -%}
    )
{%- endmacro %}

{# Contract tables under the names users know, and how each joins to an application. #}
{% macro feature_source(source_column) -%}
    {#- A column may have a dot in its name, a table has none. -#}
    {%- set table, _, column = source_column.partition('.') -%}
    {%- set known = {
        'persons': 'stg_persons', 'applications': 'stg_applications', 'programs': 'stg_programs'
    } -%}
    {%- set keys = {
        'stg_persons': ['person_id'],
        'stg_applications': ['application_id'],
        'stg_programs': ['program_code'],
    } -%}
    {%- set table = known.get(table, table) -%}
    {{ return({
        'table': table, 'column': column, 'keys': keys.get(table, ['application_id', 'known_on'])
    }) }}
{%- endmacro %}

{# True where a row of the catalog takes its value from a column that holds one value for good: what
   it was on an earlier day, nothing says. #}
{% macro has_no_history(catalog) -%}
    ({{ catalog }}.source_column like 'stg!_%' escape '!'
    or {{ catalog }}.source_column like 'persons.%'
    or {{ catalog }}.source_column like 'applications.%'
    or {{ catalog }}.source_column like 'programs.%'
    or {{ catalog }}.source_column in (
        'int_applications_as_of.is_domestic', 'int_applications_as_of.program_code'
    ))
{%- endmacro %}

{# The value of a feature, as double or (categories) varchar; a user's own column is of any type. #}
{% macro feature_value(feature, expression) -%}
    {%- if feature.kind == 'category' -%}
        nullif(trim(cast({{ expression }} as varchar)), '')
    {%- elif feature.origin != 'user' -%}
        cast({{ expression }} as double)
    {%- elif feature.kind == 'boolean' -%}
        cast({{ try_cast('cast(' ~ expression ~ ' as varchar)', 'boolean') }} as double)
    {%- else -%}
        {{ try_cast('cast(' ~ expression ~ ' as varchar)', 'double') }}
    {%- endif -%}
{%- endmacro %}

{# A feature after its declared transformation; counts are long-tailed. Missing stays missing. #}
{% macro transformed(feature, expression=none) -%}
    {%- set expression = expression or feature.feature -%}
    {%- if feature.transform == 'log1p' -%}
        case when {{ expression }} is not null then ln(1 + greatest({{ expression }}, 0)) end
    {%- else -%}
        {{ expression }}
    {%- endif -%}
{%- endmacro %}

{# A double as a literal that reads the same on every engine. #}
{% macro double_literal(value) -%}
    ({{ '%.17e' % (value | float) }})
{%- endmacro %}

{# The models that hold values of features. #}
{% macro feature_source_models() -%}
    {{ return([
        'stg_persons', 'stg_applications', 'stg_programs', 'int_applications_as_of',
        'int_education_known', 'int_scores_known', 'int_engagement_known', 'int_timing_known',
        'int_offers_known',
    ]) }}
{%- endmacro %}

{# A feature's column expression; a column that the input lacks is a typed null. #}
{% macro feature_column(feature) -%}
    {%- set source = feature_source(feature.source_column) -%}
    {%- if source.table == 'int_applications_as_of' -%}
        {{ feature_value(feature, 'applications.' ~ quote_name(source.column)) }}
    {%- else -%}
        {%- if has_column(source) -%}
            {{ feature_value(feature, source.table ~ '.' ~ quote_name(source.column)) }}
        {%- else -%}
            cast(null as {{ 'varchar' if feature.kind == 'category' else 'double' }})
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# Values of a user's own columns that a numeric feature can't read: they count as missing there,
   and are listed as refused. #}
{% macro unread_feature_values() -%}
    {%- set owners = {
        'stg_persons': 'person_id',
        'stg_applications': 'person_id',
        'stg_programs': 'cast(null as varchar)',
    } -%}
    {%- set selects = [] -%}
    {%- for feature in model_features() -%}
        {%- set source = feature_source(feature.source_column) -%}
        {%- if feature.origin == 'user' and feature.kind != 'category'
            and source.table in owners and has_column(source) -%}
            {%- set column = quote_name(source.column) -%}
            {%- set value -%}
    select
        {{ sql_string(source.table | replace('stg_', '')) }} as table_name,
        {{ source['keys'][0] }} as row_key,
        {{ owners[source.table] }} as person_id,
        {{ sql_string(source.column) }} as column_name,
        cast({{ column }} as varchar) as raw_value,
        '{{ "not_a_boolean" if feature.kind == "boolean" else "not_a_number" }}' as rule,
        cast(null as varchar) as value_used
    from {{ ref(source.table) }}
    where {{ column }} is not null and {{ feature_value(feature, column) }} is null
            {%- endset -%}
            {%- do selects.append(value) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if selects -%}
        {{ selects | join('\n    union all\n') }}
    {%- else -%}
    select
        cast(null as varchar) as table_name,
        cast(null as varchar) as row_key,
        cast(null as varchar) as person_id,
        cast(null as varchar) as column_name,
        cast(null as varchar) as raw_value,
        cast(null as varchar) as rule,
        cast(null as varchar) as value_used
    where 1 = 0
    {%- endif -%}
{%- endmacro %}

{% macro has_column(source) -%}
    {%- set columns = adapter.get_columns_in_relation(ref(source.table)) -%}
    {{ return(source.column | lower in columns | map(attribute='name') | map('lower') | list) }}
{%- endmacro %}

{# Features that count the days since or between stages that everyone of a phase has reached: each
   day knows them, so that they tell much is no leak. #}
{% macro is_waiting_time(catalog, at_risk_rank) -%}
    ({%- for column, stage in {
        'days_to_submit': 'submitted',
        'submitted_before_census': 'submitted',
        'days_in_review': 'admitted',
        'days_since_admission': 'admitted',
        'days_since_deposit': 'deposited',
    }.items() %}
        ({{ catalog }}.source_column = 'int_timing_known.{{ column }}'
        and {{ at_risk_rank }} >= {{ stage_rank(stage) }})
        {{- ' or' if not loop.last }}
    {%- endfor %})
{%- endmacro %}
