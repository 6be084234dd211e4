{# The configured phases as rows; a phase without a window is always open. #}
{% macro phases_as_rows() -%}
    {%- for phase in var('phases') %}
    select
        {{ sql_string(phase.name) }} as phase,
        {{ sql_string(phase.at_risk) }} as at_risk_stage,
        {{ sql_string(phase.outcome) }} as outcome_stage,
        cast({{ phase.get('opens', 'null') }} as integer) as opens_days_to_census,
        cast({{ phase.get('closes', 'null') }} as integer) as closes_days_to_census,
        {{ loop.index }} as phase_order
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{# True where a row of `stages` is the outcome of some phase, or beyond it. #}
{% macro outcome_stage_condition(relation) -%}
    {{ relation }}.stage in (
        {%- for phase in var('phases') -%}
        {{ sql_string(phase.outcome) }}{{ ', ' if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}

{# A sortable number from a term label such as 2024FA, Fall 2024, 2024-1; null without a year. #}
{% macro term_label_order(label) -%}
    {{ try_cast("nullif(regexp_extract(" ~ label ~ ", '((19|20)[0-9][0-9])', 1), '')", 'integer') }}
    * 10 + case
        when lower({{ label }}) like '%wi%' then 1
        when lower({{ label }}) like '%sp%' then 2
        when lower({{ label }}) like '%su%' then 3
        when lower({{ label }}) like '%fa%' or lower({{ label }}) like '%au%' then 4
        else 0
    end
{%- endmacro %}

{# The rank of a stage, as a scalar subquery. #}
{% macro stage_rank(stage) -%}
    (select ranks.stage_rank from {{ ref('stages') }} as ranks where ranks.stage = '{{ stage }}')
{%- endmacro %}

{# How far a stage proves that an application came: a denial proves a review, other exits prove
   nothing about what came before. #}
{% macro proven_rank(stages) -%}
    case
        when not {{ stages }}.is_exit then {{ stages }}.stage_rank
        when {{ stages }}.stage = 'denied' then {{ stage_rank('in_review') }}
        else 0
    end
{%- endmacro %}

{# The day since which changes are told: the var changes_since days before, or the day it names. #}
{% macro changes_since_day(as_of) -%}
    {%- if is_whole_number(var('changes_since')) -%}
    cast({{ dbt.dateadd('day', -var('changes_since'), as_of) }} as date)
    {%- else -%}
    cast({{ sql_string(var('changes_since') | string) }} as date)
    {%- endif -%}
{%- endmacro %}
