/*
What is this? No stage of a persona's funnel has more people than the one before, and no count
falls as the cycle goes on.
When does it matter? A later stage would not prove the earlier ones, or a row was counted twice.
How to resolve it? Compare the steps of the people concerned in int_funnel_steps.
*/
with

persona_funnel as (
    select
        entry_term,
        persona_key,
        stage,
        n_reached,
        lag(n_reached) over (partition by entry_term, persona_key order by stage_rank)
            as n_before
    from {{ ref('rpt_persona_funnel') }}
),

cycle_days as (
    select
        entry_term,
        persona_key,
        stage,
        n_reached,
        lag(n_reached) over (
            partition by entry_term, persona_key, program_code, stage
            order by days_to_census desc
        ) as n_before
    from {{ ref('rpt_funnel_by_cycle_day') }}
)

select 'stages' as part, entry_term, persona_key, stage, n_before, n_reached
from persona_funnel
where n_reached > n_before
union all
select 'days' as part, entry_term, persona_key, stage, n_before, n_reached
from cycle_days
where n_reached < n_before
