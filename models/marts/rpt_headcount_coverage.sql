with

backtest as (
    select * from {{ ref('rpt_headcount_backtest') }}
    where not is_suppressed
),

viewed as (
    select *, cast(days_to_census as varchar) as day from backtest
    union all
    select *, 'all' as day from backtest
)

select
    breakdown,
    day as days_to_census,
    count(*) as n,
    {%- for percent in [80, 95] %}
    round(avg(case when inside_{{ percent }} then 1 else 0 end), 9) as coverage_{{ percent }},
    {%- endfor %}
    round(percentile_cont(0.5) within group (order by abs(miss)), 9) as median_abs_miss
from viewed
group by breakdown, day
