with

personas as (
    select * from {{ ref('fct_applicant_personas') }}
),

entry_terms as (
    select * from {{ ref('int_entry_terms_ordered') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

funnel_steps as (
    select * from {{ ref('int_funnel_steps') }}
),

suppressed_personas as (
    select * from {{ ref('ml_suppressed_personas') }}
),

stages as (
    select distinct stage, stage_rank from funnel_steps
),

-- A person's applications of a term count as one, under the key of the persona's row alone: these
-- are the most rows of all.
reached as (
    select
        personas.application_id,
        funnel_steps.stage_rank,
        min(funnel_steps.occurred_on) as occurred_on
    from funnel_steps
    inner join personas
        on funnel_steps.person_id = personas.person_id
        and funnel_steps.entry_term = personas.entry_term
    group by personas.application_id, funnel_steps.stage_rank
),

-- Who reaches a stage has reached all before it.
compared_days as (
    select
        *,
        lag(occurred_on) over (
            partition by application_id order by stage_rank
        ) as previous_on
    from reached
),

-- Stages that were written down out of order say nothing of the time between them.
timed as (
    select
        *,
        case
            when previous_on <= occurred_on
                then {{ dbt.datediff('previous_on', 'occurred_on', 'day') }}
        end as days_from_previous
    from compared_days
),

counted as (
    select
        personas.entry_term,
        personas.persona_key,
        timed.stage_rank,
        count(*) as n_reached,
        count(timed.days_from_previous) as n_timed,
        percentile_cont(0.5) within group (order by timed.days_from_previous) as median_days
    from timed
    inner join personas on timed.application_id = personas.application_id
    group by personas.entry_term, personas.persona_key, timed.stage_rank
),

persona_terms as (
    select distinct
        entry_term,
        persona_key
    from personas
),

cells as (
    select
        persona_terms.entry_term,
        persona_terms.persona_key,
        stages.stage,
        stages.stage_rank,
        coalesce(counted.n_reached, 0) as n,
        coalesce(counted.n_reached, 0) as n_reached,
        coalesce(counted.n_timed, 0) as n_timed,
        counted.median_days
    from persona_terms
    cross join stages
    left join counted
        on persona_terms.entry_term = counted.entry_term
        and persona_terms.persona_key = counted.persona_key
        and stages.stage_rank = counted.stage_rank
),

decided as (
    {{ suppressed_cells('cells', ['entry_term', 'stage'], column='persona_key') }}
),

stepped as (
    select
        decided.*,
        decided.is_suppressed or suppressed_personas.is_suppressed as is_hidden
    from decided
    inner join suppressed_personas
        on decided.entry_term = suppressed_personas.entry_term
        and decided.persona_key = suppressed_personas.persona_key
),

compared as (
    select
        *,
        lag(n_reached) over steps as n_previous,
        lag(is_hidden) over steps as is_previous_hidden
    from stepped
    window steps as (partition by entry_term, persona_key order by stage_rank)
),

rated as (
    select
        *,
        is_hidden or coalesce(is_previous_hidden, false) as is_rate_hidden,
        n_reached / nullif(cast(n_previous as double), 0) as rate_from_previous,
        case when n_previous > 0 then
            {{ wilson_bound('n_reached', 'n_previous', '-') }}
        end as rate_low,
        case when n_previous > 0 then
            {{ wilson_bound('n_reached', 'n_previous', '+') }}
        end as rate_high,
        case when n_timed >= {{ var('min_cell') }} then median_days end as published_median
    from compared
)

select
    rated.entry_term,
    rated.persona_key,
    rated.stage,
    rated.stage_rank,
    entry_terms.is_open,
    as_of.is_static,
    rated.is_hidden as is_suppressed,
    case when not rated.is_hidden then cast(rated.n_reached as bigint) end as n_reached,
    case when not rated.is_rate_hidden then round(rated.rate_from_previous, 9) end
        as rate_from_previous,
    case when not rated.is_rate_hidden then round(rated.rate_low, 9) end as rate_low,
    case when not rated.is_rate_hidden then round(rated.rate_high, 9) end as rate_high,
    case when not rated.is_hidden then round(rated.published_median, 9) end
        as median_days_from_previous
from rated
inner join entry_terms on rated.entry_term = entry_terms.entry_term
cross join as_of
