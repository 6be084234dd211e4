-- depends_on: {{ ref('ml_persona_centroids') }}
{%- set centroids = {} %}
{%- for row in fitted_rows('ml_persona_centroids', order_by='cluster, feature') %}
    {%- do centroids.setdefault(row.cluster, []).append(row) %}
{%- endfor %}
{%- set distances = [] %}
{%- for cluster in centroids %}{% do distances.append('distance_' ~ cluster) %}{% endfor %}

with

applicants as (
    select * from {{ ref('ftr_applicants_scaled') }}
),

persona_keys as (
    select * from {{ ref('ml_persona_keys') }}
),

measured as (
    select
        application_id,
        known_on,
        person_id,
        entry_term,
        is_primary,
        is_persona_snapshot
        {%- for cluster, coordinates in centroids.items() %},
        sqrt({{ squared_distance(coordinates) }}) as distance_{{ cluster }}
        {%- else %},
        cast(null as double) as distance_01
        {%- endfor %}
    from applicants
),

nearest as (
    select
        measured.*,
        case least({{ distances | join(', ') or 'distance_01' }})
            {%- for cluster in centroids %}
            when distance_{{ cluster }} then '{{ cluster }}'
            {%- else %}
            when distance_01 then '01'
            {%- endfor %}
        end as cluster,
        least({{ distances | join(', ') or 'distance_01' }}) as distance
    from measured
),

runners_up as (
    select
        nearest.*,
        least(
            {%- for cluster in centroids %}
            case when cluster <> '{{ cluster }}' then distance_{{ cluster }} end
            {{- ',' if not loop.last }}
            {%- else %}
            distance_01
            {%- endfor %}
        ) as second_distance
    from nearest
),

identified as (
    select
        runners_up.*,
        case
            {%- for cluster in centroids %}
            when cluster <> '{{ cluster }}' and second_distance = distance_{{ cluster }}
                then '{{ cluster }}'
            {%- else %}
            when second_distance = distance_01 then '01'
            {%- endfor %}
        end as second_cluster
    from runners_up
)

select
    identified.application_id,
    identified.known_on,
    identified.person_id,
    identified.entry_term,
    identified.is_primary,
    identified.is_persona_snapshot,
    persona_keys.run_id,
    persona_keys.persona_key,
    round(identified.distance, 9) as distance,
    second_keys.persona_key as second_persona_key,
    round(identified.second_distance, 9) as second_distance,
    round(
        coalesce(1 - identified.distance / nullif(identified.second_distance, 0), 0), 9
    ) as confidence
from identified
inner join persona_keys on identified.cluster = persona_keys.cluster
left join persona_keys as second_keys on identified.second_cluster = second_keys.cluster
