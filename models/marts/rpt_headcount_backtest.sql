with

forecasts as (
    select * from {{ ref('ml_headcount_forecasts') }}
    where not is_open
)

select
    entry_term,
    cast(days_to_census as integer) as days_to_census,
    breakdown,
    breakdown_value,
    run_id,
    as_of,
    cast(known_on as date) as known_on,
    is_suppressed,
    {{- headcount_columns() }},
    case when not is_outcome_suppressed then cast(n_outcomes as bigint) end as actual,
    {%- for percent in [80, 95] %}
    case
        when not is_outcome_suppressed
            then n_outcomes between low_{{ percent }} and high_{{ percent }}
    end as inside_{{ percent }},
    {%- endfor %}
    case
        when not is_outcome_suppressed then round(expected / nullif(n_outcomes, 0) - 1, 9)
    end as miss
from forecasts
