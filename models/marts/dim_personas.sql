with

persona_keys as (
    select * from {{ ref('ml_persona_keys') }}
),

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

suppressed as (
    select * from {{ ref('ml_suppressed_personas') }}
    where entry_term = 'all'
),

total as (
    select sum(n_applicants) as n_applicants from sizes
)

select
    names.persona_key,
    names.persona_name,
    names.persona_slug,
    names.description,
    persona_keys.is_active,
    persona_keys.status,
    persona_keys.first_run_id,
    persona_keys.last_run_id,
    case
        when not coalesce(suppressed.is_suppressed, false)
            then cast(coalesce(sizes.n_applicants, 0) as bigint)
    end as n_applicants,
    case
        when not coalesce(suppressed.is_suppressed, false)
            then round(coalesce(sizes.n_applicants, 0) / cast(total.n_applicants as double), 9)
    end as share,
    case when persona_keys.is_active then cast(names.stability as double) end as stability,
    case
        when not persona_keys.is_active then 'retired'
        when names.stability >= 0.85 then 'firm: nearly the same people in any sample'
        when names.stability >= 0.75 then 'sound: mostly the same people in any sample'
        when names.stability >= 0.6 then 'a pattern, with loose borders'
        else 'doubtful: another sample would draw it otherwise'
    end as stability_in_words,
    names.top_traits
from names
inner join persona_keys on names.persona_key = persona_keys.persona_key
left join sizes on names.persona_key = sizes.persona_key
left join suppressed on names.persona_key = suppressed.persona_key
cross join total
