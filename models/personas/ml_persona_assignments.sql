-- depends_on: {{ ref('ml_persona_centroids') }}
{%- set centers = grouped_rows('ml_persona_centroids', 'persona_key', order_by='column_name') %}
{%- set columns = fitted_rows('ml_persona_columns', order_by='column_name') %}
{%- set keys = centers.keys() | list or ['persona_01'] %}

with

space as (
    select * from {{ ref('ml_persona_space') }}
),

measured as (
    select
        application_id,
        known_on,
        person_id,
        entry_term,
        is_primary,
        is_persona_snapshot,
        {{ observed_weight(columns) }} as observed_share
        {%- for key in keys %},
        {{ squared_distance(centers.get(key, [])) }} as {{ key }}
        {%- endfor %}
    from space
    {{ 'where 1 = 0' if not centers }}
),

nearest as (
    select
        measured.*,
        least({{ keys | join(', ') }}) as squared,
        case least({{ keys | join(', ') }})
            {%- for key in keys %}
            when {{ key }} then '{{ key }}'
            {%- endfor %}
        end as persona_key
    from measured
),

runners_up as (
    select
        nearest.*,
        least(
            {%- for key in keys %}
            case when persona_key <> '{{ key }}' then {{ key }} end{{ ',' if not loop.last }}
            {%- endfor %}
        ) as second_squared
    from nearest
),

identified as (
    select
        runners_up.*,
        case
            {%- for key in keys %}
            when persona_key <> '{{ key }}' and second_squared = {{ key }} then '{{ key }}'
            {%- endfor %}
        end as second_persona_key
    from runners_up
),

run as (
    select distinct run_id from {{ ref('ml_persona_centroids') }}
)

-- A missing value adds nothing to a distance: divided by the weight of what is observed, distances
-- of people of whom less is known compare with those of others.
select
    identified.application_id,
    identified.known_on,
    identified.person_id,
    identified.entry_term,
    identified.is_primary,
    identified.is_persona_snapshot,
    run.run_id,
    identified.persona_key,
    round(sqrt(identified.squared / nullif(identified.observed_share, 0)), 9) as distance,
    identified.second_persona_key,
    round(sqrt(identified.second_squared / nullif(identified.observed_share, 0)), 9)
        as second_distance,
    round(
        coalesce(1 - sqrt(identified.squared / nullif(identified.second_squared, 0)), 0), 9
    ) as confidence,
    round(identified.observed_share, 9) as observed_share
from identified
cross join run
