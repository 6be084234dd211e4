{%- set words = "replace(interactions.interaction_type, '_', ' ')" %}

with

-- Whom a likelihood is told of that may change.
people as (
    select distinct person_id from {{ ref('int_applications_as_of') }}
    where is_open
),

stage_events as (
    select * from {{ ref('stg_stage_events') }}
),

applications as (
    select * from {{ ref('stg_applications') }}
    where person_id in (select people.person_id from people)
),

interactions as (
    select * from {{ ref('stg_interactions') }}
    where person_id in (select people.person_id from people)
),

scores as (
    select * from {{ ref('int_scores_harmonized') }}
    where person_id in (select people.person_id from people)
),

degrees as (
    select * from {{ ref('int_education_harmonized') }}
    where person_id in (select people.person_id from people)
),

-- Counted table by table, for no two tell of the same: memory would have to hold them all at once.
counted as (
    select
        applications.person_id,
        stage_events.application_id,
        cast(stage_events.known_at as date) as known_on,
        replace(stage_events.stage, '_', ' ') as news,
        count(*) as n
    from stage_events
    inner join applications on stage_events.application_id = applications.application_id
    where stage_events.known_at is not null
    group by all
    union all
    select
        person_id,
        application_id,
        cast(scholarship_offered_at as date) as known_on,
        'scholarship offer' as news,
        count(*) as n
    from applications
    where scholarship_offered_at is not null
    group by all
    union all
    select
        interactions.person_id,
        cast(null as varchar) as application_id,
        cast(greatest(interactions.known_at, interactions.occurred_at) as date) as known_on,
        case interactions.status
            when 'no_show' then 'missed ' || {{ words }}
            when 'registered' then 'signed up for ' || {{ words }}
            else {{ words }}
        end as news,
        count(*) as n
    from interactions
    where interactions.weight > 0
        and interactions.known_at is not null and interactions.occurred_at is not null
    group by all
    union all
    select
        person_id,
        cast(null as varchar) as application_id,
        cast(known_at as date) as known_on,
        'test score' as news,
        count(*) as n
    from scores
    where known_at is not null
    group by all
    union all
    select
        person_id,
        cast(null as varchar) as application_id,
        cast(known_at as date) as known_on,
        'academic record' as news,
        count(*) as n
    from degrees
    where known_at is not null
    group by all
)

select * from counted
