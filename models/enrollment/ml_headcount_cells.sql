{%- set breakdowns = {
    'all': "'all'", 'phase': 'phase', 'persona': 'persona_key', 'program': 'program_code',
} %}

with

standings as (
    select * from {{ ref('ml_headcount_standings') }}
),

-- A person counts once: by the furthest of several applications, and in each of several programs.
{%- for name, per_program in [('people', false), ('people_by_program', true)] %}

{{ name }} as (
    select
        entry_term,
        known_on,
        person_id,
        {%- if per_program %}
        program_code,
        {%- else %}
        max(case when is_furthest then persona_key end) as persona_key,
        {%- endif %}
        max_by(phase, rung) as phase,
        max(case when has_reached then 1 else 0 end) = 1 as has_reached,
        max(outcome) as outcome,
        case
            when count(likelihood) > 0
                then least(1, {{ stable_sum('likelihood') }}, max(person_likelihood))
        end as likelihood,
        max(case when is_scored then 1 else 0 end) as is_scored,
        max_by(n_training, rung) as n_training,
        max_by(run_id, rung) as run_id
    from standings
    group by entry_term, known_on, person_id{{ ', program_code' if per_program }}
),
{%- endfor %}

viewed as (
    {%- for breakdown, column in breakdowns.items() %}
    select
        entry_term,
        known_on,
        '{{ breakdown }}' as breakdown,
        {{ column }} as breakdown_value,
        case
            when has_reached then 'already reached'
            when phase is not null then phase
            else 'yet to come'
        end as standing,
        case when not has_reached then likelihood end as likelihood,
        is_scored,
        outcome,
        case when not has_reached then n_training end as n_training,
        run_id
    from {{ 'people_by_program' if breakdown == 'program' else 'people' }}
    {%- if breakdown == 'phase' %}
    where phase is not null and not has_reached
    {%- endif %}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
)

select
    entry_term,
    known_on,
    breakdown,
    breakdown_value,
    standing,
    max(run_id) as run_id,
    count(*) as n_people,
    sum(is_scored) as n_scored,
    {{ stable_sum('likelihood') }} as expected,
    {{ stable_sum('likelihood * (1 - likelihood)') }} as spread,
    max(n_training) as n_training,
    sum(outcome) as n_outcomes
from viewed
group by entry_term, known_on, breakdown, breakdown_value, standing
