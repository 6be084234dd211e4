with

names as (
    select * from {{ ref('ml_persona_names') }}
),

assignments as (
    select * from {{ ref('ml_persona_assignments') }}
    where is_persona_snapshot and is_primary
),

sizes as (
    select
        persona_key,
        count(*) as n_applicants
    from assignments
    group by persona_key
),

total as (
    select sum(n_applicants) as n_applicants from sizes
)

select
    names.persona_key,
    names.persona_name,
    names.persona_slug,
    names.description,
    true as is_active,
    names.run_id as first_run_id,
    names.run_id as last_run_id,
    cast(coalesce(sizes.n_applicants, 0) as bigint) as n_applicants,
    cast(round(coalesce(sizes.n_applicants, 0) / cast(total.n_applicants as double), 9) as double)
        as share,
    cast(names.stability as double) as stability,
    names.top_traits
from names
left join sizes on names.persona_key = sizes.persona_key
cross join total
