{%- set keys = personal_keys() -%}
{%- set dates = knowledge_dates() -%}
{%- set names = {'person_id': 'people', 'application_id': 'applications'} %}

with

people as (
    select * from {{ ref('input__erased_person_ids') }}
),

applications as (
    select * from {{ ref('input__erased_application_ids') }}
)

{% for table in keys -%}
{%- set columns = keys[table] + dates.get(table, [none, []])[1]
    + (['is_deleted'] if table == 'persons' else []) -%}
{%- set late = late_condition(table) or 'false' -%}
select
    '{{ table }}' as table_name,
    withheld.rule,
    count(*) as n_rows
from (
    select
        case
            when {{ late }} then 'after_as_of'
            when {{ erased_conditions(table, names) | join('\n            or ') or 'false' }}
                then 'person_deleted'
        end as rule
    from (
        {{ read_columns(table, columns) }}
    ) as delivered
) as withheld
where withheld.rule is not null
group by withheld.rule
{% if not loop.last -%}
union all
{% endif -%}
{% endfor %}
