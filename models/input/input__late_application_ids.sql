{{ config(materialized='table') }}

{%- for table in ['applications', 'stage_events'] %}
select delivered.application_id
from (
    {{ read_columns(table, personal_keys()[table] + knowledge_dates()[table][1]) }}
) as delivered
where delivered.application_id is not null
    and {{ late_condition(table) }}
    {%- for condition in erased_conditions(table) %}
    and not {{ condition }}
    {%- endfor %}
{{ 'union' if not loop.last }}
{%- endfor %}
