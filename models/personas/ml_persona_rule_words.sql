-- depends_on: {{ ref('concordance_english') }}
with

rules as (
    select * from {{ ref('ml_persona_rules') }}
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

words as (
    select * from {{ ref('ml_persona_words') }}
),

conditions as (
    select
        rules.persona_key,
        rules.position,
        rules.operator,
        rules.value,
        catalog.kind,
        catalog.unit,
        {{ within_sentence('catalog.label') }} as words,
        words.phrase
    from rules
    inner join catalog on rules.feature = catalog.feature
    inner join words
        on rules.feature = words.feature
        and words.direction = case rules.operator
            when 'at_least' then 'high' when 'below' then 'low' else rules.operator
        end
),

worded as (
    select
        persona_key,
        position,
        count(*) over (partition by persona_key) as n_conditions,
        {{ condition_words() }} as condition
    from conditions
)

select
    persona_key,
    cast(max(n_conditions) as integer) as n_conditions,
    'Applicants with '
    {%- for position in [1, 2, 3, 4] %}
    || coalesce(max(case when position = {{ position }} then
        {%- if position > 1 %} case when n_conditions = {{ position }} then ' and ' else ', ' end ||
        {%- endif %} condition
    end), '')
    {%- endfor %}
    || '.' as rule_text
from worded
group by persona_key
