with

of_phases as (
    select * from {{ ref('ml_feature_selection') }}
),

of_personas as (
    select * from {{ ref('ml_persona_selection') }}
)

select
    run_id,
    target,
    feature,
    kept,
    cast(null as double) as weight,
    reason,
    round(mutual_information, 9) as mutual_information,
    round(share_missing, 9) as share_missing,
    round(variance, 9) as variance,
    most_correlated_feature,
    round(correlation, 9) as correlation
from of_phases
union all
select
    run_id,
    'persona' as target,
    feature,
    kept,
    round(weight, 9) as weight,
    reason,
    cast(null as double) as mutual_information,
    round(share_missing, 9) as share_missing,
    round(variance, 9) as variance,
    most_correlated_feature,
    round(correlation, 9) as correlation
from of_personas
