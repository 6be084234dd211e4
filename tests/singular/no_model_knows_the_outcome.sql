{{ config(severity=var('leak_severity')) }}
/*
What is this? A forest whose AUC on a cycle that it had not seen exceeds .95: a probable leak, with
the feature that alone tells most.
When does it matter? Nobody foresees enrollment that well: some feature knows the outcome.
How to resolve it? Look at the feature in rpt_leak_scan and rpt_feature_importance; correct its
earliest_stage in the feature catalog, or cut its source at the day of knowledge.
*/
with

evaluation as (
    select * from {{ ref('rpt_model_evaluation') }}
    where metric = 'auc' and slice = 'all' and model = 'random_forest'
),

scan as (
    select
        *,
        row_number() over (
            partition by phase
            order by greatest(value_auc, missingness_auc) desc nulls last, feature asc
        ) as leak_rank
    from {{ ref('rpt_leak_scan') }}
    where is_used
)

select
    evaluation.phase,
    evaluation.test_cycle,
    evaluation.value as model_auc,
    'probable leak: ' || scan.feature as suspect
from evaluation
left join scan on evaluation.phase = scan.phase and scan.leak_rank = 1
where evaluation.value > 0.95
