{%- set figures = ['n_rows', 'n_features'] %}
{%- set windows = ['training_from', 'training_to'] %}

with

fitted as (
    {%- for fit in ['ml_enrollment_fit', 'ml_backtest_fit'] %}
    select
        run_id,
        '{{ "backtest" if fit == "ml_backtest_fit" else "enrollment" }}' as kind,
        phase,
        days_to_census,
        record,
        metric,
        item,
        value,
        text
    from {{ ref(fit) }}
    where record in ('run', 'status')
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
)

-- Of a run for several open terms, the figures of the nearest.
select
    run_id,
    kind,
    phase,
    max(case when record = 'status' then item end) as outcome,
    min_by(case when record = 'status' then text end, case when record = 'status'
        then coalesce(days_to_census, 0) end) as status,
    {%- for figure in figures %}
    min_by(value, case when metric = '{{ figure }}' then coalesce(days_to_census, 0) end)
        as {{ figure }},
    {%- endfor %}
    {%- for window in windows %}
    min_by(text, case when metric = '{{ window }}' then coalesce(days_to_census, 0) end)
        as {{ window }}{{ ',' if not loop.last }}
    {%- endfor %}
from fitted
group by run_id, kind, phase
