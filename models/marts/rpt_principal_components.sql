with

components as (
    select * from {{ ref('ml_principal_components') }}
)

select
    run_id,
    component,
    substr(column_name, 3) as feature,
    round(loading, 9) as loading,
    round(explained_variance_ratio, 9) as explained_variance_ratio
from components
