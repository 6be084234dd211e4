with

screening as (
    select * from {{ ref('ml_feature_screening') }}
    where record = 'screening'
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

phase_features as (
    select * from {{ ref('ftr_phase_features') }}
),

phases as (
    select * from {{ ref('int_phases_ranked') }}
)

select
    screening.run_id,
    screening.target,
    phases.phase_order,
    screening.feature,
    catalog.block,
    catalog.kind,
    catalog.transform,
    catalog.role,
    catalog.priority,
    catalog.actionable,
    screening.kept and coalesce(phase_features.is_allowed, not catalog.protected) as kept,
    case
        when not coalesce(phase_features.is_allowed, not catalog.protected)
            then case
                when catalog.protected then 'Dropped: a protected attribute.'
                else 'Dropped: first known at the stage ' || catalog.earliest_stage
                    || ', when the phase has already begun.'
            end
        else screening.reason
    end as reason,
    screening.mutual_information,
    screening.share_missing,
    screening.variance,
    screening.most_correlated_feature,
    screening.correlation
from screening
inner join catalog on screening.feature = catalog.feature
left join phases on screening.target = phases.phase
left join phase_features
    on screening.target = phase_features.phase
    and screening.feature = phase_features.feature
