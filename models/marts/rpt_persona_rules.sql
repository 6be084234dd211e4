-- depends_on: {{ ref('ml_persona_rules') }}
{%- set rules = {} %}
{%- for row in fitted_rows('ml_persona_rules', order_by='persona_key, position') %}
    {%- do rules.setdefault(row.persona_key, []).append(row) %}
{%- endfor %}
{%- set is_shown -%}
suppressed_personas.persona_key is null and not {{ is_small('measured.n_fits') }}
{%- endset %}
{%- set told = ref('fct_applicant_features') %}

with

names as (
    select * from {{ ref('ml_persona_names') }}
),

rule_words as (
    select * from {{ ref('ml_persona_rule_words') }}
),

suppressed_personas as (
    select * from {{ ref('ml_suppressed_personas') }}
    where entry_term = 'all' and is_suppressed
),

applicants as (
    select * from {{ ref('ftr_applicants') }}
    where is_persona_snapshot and is_primary
),

assignments as (
    select * from {{ ref('ml_persona_assignments') }}
),

-- One scan answers for all rules.
counted as (
    select
        count(*) as n_people
        {%- for persona_key, conditions in rules.items() %}
        {%- set fits -%}
            {%- for row in conditions %}
            {{- ' and ' if not loop.first }}
            {{- condition_sql(
                row.operator, 'applicants.' ~ row.feature, '%.12g' % (row.value or 0)
            ) }}
            {%- endfor %}
        {%- endset %},
        {{ count_where(fits) }} as {{ persona_key }}__fits,
        {{ count_where("assignments.persona_key = '" ~ persona_key ~ "'") }}
            as {{ persona_key }}__members,
        {{ count_where(fits ~ " and assignments.persona_key = '" ~ persona_key ~ "'") }}
            as {{ persona_key }}__both
        {%- endfor %}
    from applicants
    inner join assignments
        on applicants.application_id = assignments.application_id
        and applicants.known_on = assignments.known_on
),

measured as (
    {%- for persona_key, conditions in rules.items() %}
    select
        '{{ persona_key }}' as persona_key,
        {{ persona_key }}__fits as n_fits,
        {{ persona_key }}__both / nullif(cast({{ persona_key }}__members as double), 0) as coverage,
        {{ persona_key }}__both / nullif(cast({{ persona_key }}__fits as double), 0) as purity,
        'select person_id, entry_term from {{ told.schema }}.{{ told.identifier }}'
        || ' where feature in ('
        {%- for feature in conditions | map(attribute='feature') | unique %}
        || '''{{ feature }}''{{ ', ' if not loop.last }}'
        {%- endfor %}
        || ') group by person_id, entry_term having '
        {%- for row in conditions %}
        || '{{ ' and ' if not loop.first }}
        {{- condition_sql(
            row.operator, "max(case when feature = ''" ~ row.feature ~ "'' then value end)",
            '%.12g' % (row.value or 0)
        ) }}'
        {%- endfor %} as rule_sql
    from counted
    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        cast(null as varchar) as persona_key, cast(null as bigint) as n_fits,
        cast(null as double) as coverage, cast(null as double) as purity,
        cast(null as varchar) as rule_sql
    from counted
    where false
    {%- endfor %}
)

select
    names.persona_key,
    coalesce(rule_words.rule_text, case
        when count(*) over () = 1 then 'There is one persona, and everyone is of it.'
        else 'No two to four conditions tell this persona from the others.'
    end) as rule_text,
    measured.rule_sql,
    cast(coalesce(rule_words.n_conditions, 0) as integer) as n_conditions,
    case when {{ is_shown }} then cast(measured.n_fits as bigint) end as n_fits,
    case when suppressed_personas.persona_key is null then round(measured.coverage, 9) end
        as coverage,
    case when {{ is_shown }} then round(measured.purity, 9) end as purity
from names
left join rule_words on names.persona_key = rule_words.persona_key
left join measured on names.persona_key = measured.persona_key
left join suppressed_personas on names.persona_key = suppressed_personas.persona_key
