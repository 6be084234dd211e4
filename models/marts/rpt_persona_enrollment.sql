with

scores as (
    select * from {{ ref('fct_enrollment_scores') }}
),

entry_terms as (
    select * from {{ ref('int_entry_terms_ordered') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

counted as (
    select
        scores.entry_term,
        scores.phase,
        scores.persona_key,
        scores.run_id,
        entry_terms.is_open,
        count(*) as n_population,
        {{ stable_sum('scores.probability') }} as expected_enrollments,
        sum(scores.outcome) as actual_enrollments,
        count(scores.outcome) as n_known
    from scores
    inner join entry_terms on scores.entry_term = entry_terms.entry_term
    where scores.persona_key is not null
    group by
        scores.entry_term, scores.phase, scores.persona_key, scores.run_id, entry_terms.is_open
),

rated as (
    select
        *,
        n_population < {{ var('min_cell') }} as is_suppressed,
        expected_enrollments / n_population as expected_rate,
        actual_enrollments / nullif(cast(n_known as double), 0) as actual_rate,
        case when n_known > 0 then
            {{ wilson_bound('actual_enrollments', 'n_known', '-') }}
        end as actual_rate_low,
        case when n_known > 0 then
            {{ wilson_bound('actual_enrollments', 'n_known', '+') }}
        end as actual_rate_high
    from counted
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
        ('n_population', 'bigint'), ('expected_enrollments', 'double'),
        ('expected_rate', 'double'), ('actual_enrollments', 'bigint'), ('actual_rate', 'double'),
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
