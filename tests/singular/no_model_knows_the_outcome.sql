{{ config(severity=var('leak_severity')) }}
/*
What is this? A likelihood whose AUC on a cycle and day that it had not seen exceeds .97: a probable
leak, with the feature that alone tells most on that day, or else the most important one.
When does it matter? Nobody foresees enrollment that well: some feature knows the outcome.
How to resolve it? Look at the feature in rpt_leak_scan and rpt_feature_importance; correct its
earliest_stage in the feature catalog, or cut its source at the day of knowledge.
*/
{%- set most_auc = 0.97 %}

with

-- The enrollment day is a slice by itself and one of the days.
evaluation as (
    select
        phase,
        test_cycle,
        value as model_auc,
        max(case when slice = 'days_to_census' then slice_value end) as days_to_census
    from {{ ref('rpt_model_evaluation') }}
    where metric = 'auc'
        and slice in ('all', 'days_to_census')
        and test_cycle <> 'all_cycles'
        and model = 'likelihood'
        and value > {{ most_auc }}
        and phase in (select phases.phase from {{ ref('int_phases_ranked') }} as phases)
    group by phase, test_cycle, value
),

used as (
    select
        leak_days.phase,
        leak_days.feature,
        cast(leak_days.days_to_census as varchar) as days_to_census,
        greatest(
            leak_days.directed_auc, 1 - leak_days.directed_auc, leak_days.missingness_auc
        ) as single_auc
    from {{ ref('ml_leak_days') }} as leak_days
    inner join {{ ref('rpt_leak_scan') }} as scan
        on leak_days.phase = scan.phase
        and leak_days.feature = scan.feature
    where scan.is_used
),

ranked as (
    select
        *,
        row_number() over (
            partition by phase, days_to_census order by single_auc desc nulls last, feature asc
        ) as leak_rank
    from used
    where single_auc is not null
),

most_important as (
    select
        phase,
        min(feature) as feature
    from {{ ref('rpt_feature_importance') }}
    where target = 'enrollment' and scope = 'global' and not is_block and importance_rank = 1
    group by phase
)

select
    evaluation.phase,
    evaluation.test_cycle,
    evaluation.days_to_census,
    evaluation.model_auc,
    'probable leak: ' || coalesce(ranked.feature, most_important.feature) as suspect
from evaluation
left join ranked
    on evaluation.phase = ranked.phase
    and evaluation.days_to_census is not distinct from ranked.days_to_census
    and ranked.leak_rank = 1
left join most_important on evaluation.phase = most_important.phase
