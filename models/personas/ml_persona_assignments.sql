-- depends_on: {{ ref('ml_persona_centroids') }}
-- depends_on: {{ ref('ml_persona_columns') }}
-- depends_on: {{ ref('stg_feature_catalog') }}
{%- set centers = centers_by_key(fitted_rows('ml_persona_centroids', order_by='persona_key')) %}
{%- set columns = persona_columns() %}
{%- set keys = centers.keys() | list or ['persona_01'] %}

with

filled as (
    select
        application_id,
        known_on,
        person_id,
        entry_term,
        is_primary,
        is_persona_snapshot
        {{- filled_columns(columns) }}
    from {{ ref('ml_persona_space') }}
    {{ '' if centers else 'where 1 = 0' }}
),

run as (
    select distinct run_id from {{ ref('ml_persona_centroids') }}
),

measured as (
    select
        application_id,
        known_on,
        person_id,
        entry_term,
        is_primary,
        is_persona_snapshot,
        {{ observed_share(columns) }} as observed_share,
        {{ squared_length(columns) }} as squared_length
        {%- for key in keys %},
        {{ beyond_length(columns, centers[key]) if centers else '0e0' }} as {{ key }}
        {%- endfor %}
    from filled
),

nearest as (
    select
        measured.*,
        least({{ keys | join(', ') }}) as nearest,
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
        ) as second_nearest
    from nearest
),

-- A missing value adds nothing to a distance: divided by the weight of what is known, distances of
-- people of whom less is known compare with those of others.
identified as (
    select
        runners_up.*,
        case
            {%- for key in keys %}
            when persona_key <> '{{ key }}' and second_nearest = {{ key }} then '{{ key }}'
            {%- endfor %}
        end as second_persona_key,
        sqrt(greatest(squared_length + nearest, 0) / nullif(observed_share, 0)) as distance,
        sqrt(greatest(squared_length + second_nearest, 0) / nullif(observed_share, 0))
            as second_distance
    from runners_up
)

select
    identified.application_id,
    identified.known_on,
    identified.person_id,
    identified.entry_term,
    identified.is_primary,
    identified.is_persona_snapshot,
    run.run_id,
    identified.persona_key,
    round(coalesce(identified.distance, 0), 9) as distance,
    identified.second_persona_key,
    round(identified.second_distance, 9) as second_distance,
    round(
        coalesce(1 - identified.distance / nullif(identified.second_distance, 0), 0), 9
    ) as confidence,
    round(identified.observed_share, 9) as observed_share
from identified
cross join run
