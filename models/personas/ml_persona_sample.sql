with

applicants as (
    select * from {{ ref('ftr_applicants_scaled') }}
    where is_persona_training
),

-- Restarts matter and rows do not: a bounded sample, the same on every machine.
sampled as (
    select * from applicants
    order by md5(application_id || '-{{ var("seed") }}'), application_id
    limit {{ var('training_rows') }}
)

select * from sampled
order by application_id
