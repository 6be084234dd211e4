with

scores as (
    select * from {{ ref('fct_enrollment_scores') }}
),

phases as (
    select * from {{ ref('int_phases_ranked') }}
),

entry_terms as (
    select * from {{ ref('int_entry_terms_ordered') }}
),

suppressed as (
    select * from {{ ref('ml_suppressed_scores') }}
    where slice = 'persona' and slice_value not in ('all', 'unknown')
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

-- Each phase, and the whole ladder; an application stands on one rung of it.
viewed as (
    select
        scores.*,
        phases.ladder,
        phases.phase_order,
        -- Who may be admitted twice counts twice.
        case
            when phases.is_once_only then scores.person_id else scores.application_id
        end as counted_id
    from scores
    inner join phases on scores.phase = phases.phase
),

{%- for name, column in [('by_phase', 'phase'), ('by_ladder', 'ladder')] %}

{{ name }} as (
    select
        entry_term,
        {{ column }} as phase,
        persona_key,
        max_by(run_id, phase_order) as run_id,
        count(distinct counted_id) as n_population,
        count(*) as n_applications,
        {{ stable_sum('probability') }} as expected_enrollments,
        sum(outcome) as actual_enrollments,
        count(outcome) as n_known
    from viewed
    where persona_key is not null
    group by entry_term, {{ column }}, persona_key
),
{%- endfor %}

counted as (
    select by_phase.* from by_phase
    union all
    select by_ladder.* from by_ladder
),

-- Where nobody stands is told too, so that a row left out does not tell it.
celled as (
    select
        suppressed.entry_term,
        suppressed.phase,
        suppressed.slice_value as persona_key,
        suppressed.is_suppressed,
        coalesce(
            counted.run_id,
            max(counted.run_id) over (partition by suppressed.entry_term, suppressed.phase)
        ) as run_id,
        coalesce(counted.n_population, 0) as n_population,
        coalesce(counted.n_applications, 0) as n_applications,
        coalesce(counted.expected_enrollments, 0) as expected_enrollments,
        counted.actual_enrollments,
        coalesce(counted.n_known, 0) as n_known
    from suppressed
    left join counted
        on suppressed.entry_term = counted.entry_term
        and suppressed.phase = counted.phase
        and suppressed.slice_value = counted.persona_key
),

rated as (
    select
        counted.*,
        entry_terms.is_open,
        counted.expected_enrollments / nullif(counted.n_population, 0) as expected_rate,
        counted.actual_enrollments / nullif(cast(counted.n_known as double), 0) as actual_rate,
        case when counted.n_known > 0 then
            {{ wilson_bound('counted.actual_enrollments', 'counted.n_known', '-') }}
        end as actual_rate_low,
        case when counted.n_known > 0 then
            {{ wilson_bound('counted.actual_enrollments', 'counted.n_known', '+') }}
        end as actual_rate_high
    from celled as counted
    inner join entry_terms on counted.entry_term = entry_terms.entry_term
)

select
    entry_term,
    phase,
    persona_key,
    run_id,
    is_open,
    as_of.is_static,
    is_suppressed,
    {% for column, type in [
        ('n_population', 'bigint'), ('n_applications', 'bigint'),
        ('expected_enrollments', 'double'), ('expected_rate', 'double'),
        ('actual_enrollments', 'bigint'), ('actual_rate', 'double'),
        ('actual_rate_low', 'double'), ('actual_rate_high', 'double'),
    ] -%}
    case
        when not is_suppressed
            then {% if type == 'double' %}round({{ column }}, 9){% else -%}
                cast({{ column }} as {{ type }}){% endif %}
    end as {{ column }}{{ ',' if not loop.last }}
    {% endfor %}
from rated
cross join as_of
