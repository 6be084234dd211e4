with

as_of as (
    select * from {{ ref('int_as_of') }}
),

applications as (
    select * from {{ ref('int_applications_dated') }}
),

prospects as (
    select * from {{ ref('int_prospects') }}
),

entry_terms as (
    select * from {{ ref('int_entry_terms_ordered') }}
),

stage_events as (
    select * from {{ ref('stg_stage_events') }}
),

stages as (
    select * from {{ ref('stages') }}
),

-- An undated stage proves what came of a closed cycle, and nothing while one is open or settles.
known_events as (
    select
        applications.application_id,
        applications.person_id,
        applications.entry_term,
        applications.program_code,
        stages.stage,
        {{ proven_rank('stages') }} as proven_rank,
        cast(stage_events.known_at as date) as known_on,
        cast(stage_events.occurred_at as date) as occurred_on
    from applications
    inner join stage_events on applications.application_id = stage_events.application_id
    inner join stages on stage_events.stage = stages.stage
    inner join entry_terms on applications.entry_term = entry_terms.entry_term
    cross join as_of
    where as_of.is_static
        or stage_events.known_at is not null
        or entry_terms.is_closed
),

known_prospects as (
    select prospects.* from prospects
    cross join as_of
    where prospects.first_known_on is null or prospects.first_known_on <= as_of.as_of
),

-- The steps of the funnel are what the input records and everyone passes who goes further.
steps as (
    select
        stage,
        stage_rank
    from stages
    where not is_exit
        and not is_optional
        and (
            stage in (select known_events.stage from known_events)
            or (stage = 'inquiry' and exists (select 1 from known_prospects))
        )
),

furthest as (
    select
        application_id,
        person_id,
        entry_term,
        program_code,
        proven_rank,
        min(known_on) as known_on,
        min(occurred_on) as occurred_on
    from known_events
    where proven_rank > 0
    group by application_id, person_id, entry_term, program_code, proven_rank
),

-- A later stage proves the earlier ones; their day is their own only.
reached as (
    select
        furthest.application_id,
        furthest.person_id,
        furthest.entry_term,
        furthest.program_code,
        steps.stage,
        steps.stage_rank,
        min(furthest.known_on) as known_on,
        min(case when furthest.proven_rank = steps.stage_rank then furthest.occurred_on end)
            as occurred_on
    from furthest
    inner join steps on furthest.proven_rank >= steps.stage_rank
    group by
        furthest.application_id,
        furthest.person_id,
        furthest.entry_term,
        furthest.program_code,
        steps.stage,
        steps.stage_rank
)

select
    reached.application_id,
    reached.person_id,
    reached.entry_term,
    reached.program_code,
    reached.stage,
    reached.stage_rank,
    reached.known_on,
    reached.occurred_on
from reached
left join known_prospects
    on reached.person_id = known_prospects.person_id
    and reached.entry_term = known_prospects.entry_term
    and reached.stage = 'inquiry'
-- Who was a prospect before applying has inquired as one.
where known_prospects.person_id is null
union all
select
    known_prospects.application_id,
    known_prospects.person_id,
    known_prospects.entry_term,
    known_prospects.program_code,
    steps.stage,
    steps.stage_rank,
    known_prospects.first_known_on as known_on,
    known_prospects.first_known_on as occurred_on
from known_prospects
inner join steps on steps.stage = 'inquiry'
