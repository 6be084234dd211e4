with

fitted as (
    select * from {{ ref('ml_persona_fit') }}
    where record = 'column'
)

select
    run_id,
    column_name,
    feature,
    max(case when metric = 'block' then text end) as block,
    max(case when metric = 'parameter_kind' then text end) as parameter_kind,
    max(case when metric = 'transform' then text end) as transform,
    max(case when metric = 'level' then text end) as level,
    max(case when metric = 'center' then value end) as center,
    max(case when metric = 'scale' then value end) as scale,
    max(case when metric = 'weight' then value end) as weight,
    max(case when metric = 'shared' then value end) as shared
from fitted
group by run_id, column_name, feature
