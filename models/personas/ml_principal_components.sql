with

fitted as (
    select * from {{ ref('ml_persona_fit') }}
),

loadings as (
    select run_id, item as component, feature, value as loading from fitted
    where record = 'loading'
),

components as (
    select item as component, value as explained_variance_ratio from fitted
    where record = 'component'
),

centers as (
    select feature, value as center from fitted
    where record = 'center'
)

select
    loadings.run_id,
    loadings.component,
    loadings.feature,
    loadings.loading,
    centers.center,
    components.explained_variance_ratio
from loadings
inner join components on loadings.component = components.component
inner join centers on loadings.feature = centers.feature
