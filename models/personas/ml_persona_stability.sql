-- depends_on: {{ ref('ml_persona_draws') }}
-- depends_on: {{ ref('ml_persona_columns') }}
-- depends_on: {{ ref('stg_feature_catalog') }}
-- depends_on: {{ ref('ml_persona_centroids') }}
{%- set columns = persona_columns() %}
{%- set centers = centers_by_key(fitted_rows('ml_persona_centroids', order_by='persona_key')) %}
{%- set draws = {} %}
{%- for row in fitted_rows('ml_persona_draws', order_by='draw, persona_key') %}
    {%- do draws.setdefault(row.draw, []).append(row) %}
{%- endfor %}

with

assignments as (
    select
        application_id,
        known_on,
        persona_key,
        -- Distances over what is known, as they are before they are made comparable.
        coalesce((second_distance - distance) * sqrt(observed_share), 1e300) as margin
    from {{ ref('ml_persona_assignments') }}
    where is_persona_snapshot and is_primary
),

-- No center moves farther than that in any draw, and a distance changes by no more than its center
-- moves: with a greater margin nobody changes persona.
within_reach as (
    select * from assignments
    where margin <= {{ double_literal(2.0001 * farthest_move(centers, draws)) }}
),

filled as (
    select
        application_id,
        known_on
        {{- filled_columns(columns) }}
    from {{ ref('ml_persona_space') }}
    where is_persona_snapshot and is_primary
),

-- In order, since an engine that works on vectors of rows has full ones after a sort, not a join.
near as (
    select
        filled.*,
        within_reach.persona_key
    from filled
    inner join within_reach
        on filled.application_id = within_reach.application_id
        and filled.known_on = within_reach.known_on
    order by filled.application_id, filled.known_on
),

measured as (
    select
        application_id,
        known_on,
        case persona_key
            {%- for key in centers %}
            when '{{ key }}' then {{ loop.index }}
            {%- else %}
            when '' then 0
            {%- endfor %}
        end as persona_number
        {%- for draw, rows in draws.items() %}
        {%- for key, center in centers_by_key(rows).items() %},
        {{ beyond_length(columns, center) }} as {{ key }}_{{ draw }}
        {%- endfor %}
        {%- endfor %}
    from near
),

redrawn as (
    select
        application_id,
        known_on,
        (
            {%- for draw in draws %}
            {{ is_kept(draw, centers.keys()) }}{{ ' +' if not loop.last }}
            {%- else %}
            1
            {%- endfor %}
        ) / cast({{ draws | length or 1 }} as double) as stability
    from measured
)

select
    assignments.application_id,
    assignments.known_on,
    coalesce(redrawn.stability, 1) as stability
from assignments
left join redrawn
    on assignments.application_id = redrawn.application_id
    and assignments.known_on = redrawn.known_on
