{%- set columns = {
    'run_id': 'varchar', 'record': 'varchar', 'item': 'varchar', 'column_name': 'varchar',
    'feature': 'varchar', 'number': 'bigint', 'metric': 'varchar', 'value': 'double',
    'text': 'varchar',
} -%}

with

present as (
    select * from {{ ref('ml_persona_fit') }}
),

stored as (
    {{ stored_columns('ml_persona_runs', columns) }}
),

earlier as (
    select * from stored
    where run_id not in (select distinct run_id from present)
),

-- The table is its own memory, so that neither a full refresh nor a new target folder forgets.
ranked as (
    select
        run_id,
        row_number() over (order by max(text) desc, run_id asc) as age
    from earlier
    where record = 'provenance' and metric = 'fitted_at'
    group by run_id
),

kept as (
    select run_id from ranked
    where age < {{ var('runs_kept') }}
)

select
    {{ columns.keys() | join(', ') }}
from present
union all
select
    {{ columns.keys() | join(', ') }}
from earlier
where run_id in (select run_id from kept)
