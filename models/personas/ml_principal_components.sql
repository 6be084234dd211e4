with

fitted as (
    select * from {{ ref('ml_persona_fit') }}
),

loadings as (
    select run_id, item as component, column_name, value as loading from fitted
    where record = 'loading'
),

components as (
    select item as component, value as explained_variance_ratio from fitted
    where record = 'component'
),

centers as (
    select column_name, value as center from fitted
    where record = 'center'
)

select
    loadings.run_id,
    loadings.component,
    loadings.column_name,
    loadings.loading,
    centers.center,
    components.explained_variance_ratio
from loadings
inner join components on loadings.component = components.component
inner join centers on loadings.column_name = centers.column_name
