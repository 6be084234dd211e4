with

fitted as (
    select * from {{ ref('ml_enrollment_fit') }}
    where record = 'importance'
)

select
    run_id,
    phase,
    scope,
    feature,
    item as block,
    days_to_census,
    max(case when metric = 'permutation' then value end) as importance,
    max(case when metric = 'permutation' then low end) as importance_low,
    max(case when metric = 'permutation' then high end) as importance_high,
    max(case when metric = 'rank' then value end) as importance_rank,
    max(case when metric = 'permutation' then text end) as direction,
    max(case when metric = 'impurity' then value end) as impurity_importance,
    coalesce(max(case when metric = 'is_noise_control' then value end) = 1, false)
        as is_noise_control,
    coalesce(max(case when metric = 'beats_noise' then value end) = 1, false) as beats_noise,
    max(n) as n_rows
from fitted
group by run_id, phase, scope, feature, item, days_to_census
