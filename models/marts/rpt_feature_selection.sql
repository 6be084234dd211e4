with

selection as (
    select * from {{ ref('ml_feature_selection') }}
)

select
    run_id,
    target,
    feature,
    kept,
    reason,
    round(mutual_information, 9) as mutual_information,
    round(share_missing, 9) as share_missing,
    round(variance, 9) as variance,
    most_correlated_feature,
    round(correlation, 9) as correlation
from selection
