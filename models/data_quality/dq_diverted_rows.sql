{%- set keys = reviewed_keys() -%}
{%- set own_lists = {'feature_catalog': 'feature', 'persona_names': 'persona_key'} -%}

with

diverted as (
    {%- for table, key in keys.items() %}
    select
        '{{ table }}' as table_name,
        diverted_by as rule,
        coalesce({{ key }}, 'missing') as row_key
    from {{ ref('stg_' ~ table ~ '_reviewed') }}
    where diverted_by is not null
    union all
    {%- endfor %}
    select
        crosswalk as table_name,
        diverted_by as rule,
        coalesce(
            case when crosswalk = 'xwalk_values' then code_set || '|' else '' end || code, 'missing'
        ) as row_key
    from {{ ref('stg_crosswalks_reviewed') }}
    where origin = 'user' and diverted_by is not null
    union all
    select
        'erasure_list' as table_name,
        'missing_key' as rule,
        'missing' as row_key
    from {{ ref('input__erasure_list') }}
    where person_id is null
    union all
    {%- for table, key in own_lists.items() %}
    select
        '{{ table }}' as table_name,
        'missing_key' as rule,
        'missing' as row_key
    from {{ ref('input__' ~ table) }}
    where {{ key }} is null
    {{- ' union all' if not loop.last }}
    {%- endfor %}
),

repeated as (
    {%- for table, key in own_lists.items() %}
    select
        '{{ table }}' as table_name,
        lower(trim({{ key }})) as row_key,
        count(*) - 1 as n_rows
    from {{ ref('input__' ~ table) }}
    where {{ key }} is not null
    group by lower(trim({{ key }}))
    having count(*) > 1
    {{- ' union all' if not loop.last }}
    {%- endfor %}
),

counted as (
    select
        table_name,
        rule,
        row_key,
        count(*) as n_rows
    from diverted
    group by table_name, rule, row_key
    union all
    select
        table_name,
        'duplicate_key' as rule,
        row_key,
        n_rows
    from repeated
    union all
    -- Of erased people not even the key stays, and late rows are none of this build's business.
    select
        table_name,
        rule,
        'withheld' as row_key,
        n_rows
    from {{ ref('input__withheld_rows') }}
    where n_rows > 0
    union all
    select
        'erasure_list' as table_name,
        'matches_nobody' as rule,
        'withheld' as row_key,
        n_unmatched as n_rows
    from {{ ref('input__unmatched_erasures') }}
    where n_unmatched > 0
)

select
    counted.table_name,
    counted.rule,
    counted.row_key,
    counted.n_rows,
    rules.description as reason
from counted
left join {{ ref('quality_rules') }} as rules
    on counted.rule = rules.rule
    and rules.scope = 'row'
