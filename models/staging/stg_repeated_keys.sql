{{ config(materialized='table') }}

{%- set keys = reviewed_keys() %}

with

{% for table in ['persons', 'applications', 'test_scores', 'education_records', 'interactions'] -%}
{{ table }} as (
    select
        '{{ table }}' as table_name,
        'duplicate_key' as rule,
        {{ keys[table] }} as row_key
    from {{ ref('input__' ~ table) }}
    where {{ keys[table] }} is not null
    group by {{ keys[table] }}
    having count(*) > 1
),

{% endfor -%}
-- Two interactions of a person at one moment may be one; a mere day is not a moment.
moments as (
    select
        person_id,
        occurred_at
    from {{ ref('input__interactions') }}
    where occurred_at <> cast(occurred_at as date)
    group by person_id, occurred_at
    having count(*) > 1
),

repeated_interactions as (
    select distinct
        'interactions' as table_name,
        'duplicate_event' as rule,
        delivered.interaction_id as row_key
    from {{ ref('input__interactions') }} as delivered
    inner join moments
        on delivered.person_id = moments.person_id
        and delivered.occurred_at = moments.occurred_at
    where delivered.interaction_id is not null
),

repeated_stages as (
    select distinct
        'stage_events' as table_name,
        'duplicate_event' as rule,
        busy.application_id as row_key
    from (
        select application_id from {{ ref('input__stage_events') }}
        where occurred_at is not null and application_id is not null
        group by application_id, occurred_at
        having count(*) > 1
    ) as busy
)

{% for part in [
    'persons', 'applications', 'test_scores', 'education_records', 'interactions',
    'repeated_interactions', 'repeated_stages',
] -%}
select table_name, rule, row_key from {{ part }}
{% if not loop.last -%}
union all
{% endif -%}
{% endfor %}
