with

fitted as (
    select * from {{ ref('ml_enrollment_fit') }}
)

select
    run_id,
    phase,
    max(case when record = 'status' then item end) = 'fitted' as is_fitted,
    max(case when record = 'status' then text end) as status,
    max(case
        when record = 'run' and item = 'production' and metric = 'n_rows' then value
    end) as n_rows,
    max(case
        when record = 'run' and item = 'production' and metric = 'n_features' then value
    end) as n_features,
    max(case
        when record = 'run' and item = 'production' and metric = 'training_from' then text
    end) as training_from,
    max(case
        when record = 'run' and item = 'production' and metric = 'training_to' then text
    end) as training_to
from fitted
group by run_id, phase
