with

history as (
    select * from {{ ref('fct_score_history') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

open_terms as (
    select entry_term from {{ ref('dim_entry_terms') }}
    where is_open
),

news as (
    select * from {{ ref('int_news') }}
),

-- The latest kept day that is old enough, else the first.
compared_day as (
    select
        coalesce(
            max(case when history.as_of <= {{ changes_since_day('as_of.as_of') }}
                then history.as_of end),
            min(history.as_of)
        ) as as_of
    from history
    cross join as_of
    where history.as_of < as_of.as_of
),

earlier as (
    select history.* from history
    inner join compared_day on history.as_of = compared_day.as_of
    inner join open_terms on history.entry_term = open_terms.entry_term
),

present as (
    select history.* from history
    inner join as_of on history.as_of = as_of.as_of
    where exists (select 1 from earlier)
),

-- Each phase has a model of its own.
refits as (
    select
        earlier_runs.phase,
        earlier_runs.run_id <> present_runs.run_id as is_refit
    from (select phase, max(run_id) as run_id from earlier group by phase) as earlier_runs
    inner join (select phase, max(run_id) as run_id from present group by phase) as present_runs
        on earlier_runs.phase = present_runs.phase
),

compared as (
    select
        coalesce(present.application_id, earlier.application_id) as application_id,
        coalesce(present.outcome_stage, earlier.outcome_stage) as outcome_stage,
        coalesce(present.person_id, earlier.person_id) as person_id,
        coalesce(present.entry_term, earlier.entry_term) as entry_term,
        coalesce(present.program_code, earlier.program_code) as program_code,
        earlier.phase as from_phase,
        present.phase as to_phase,
        earlier.probability as from_probability,
        present.probability as to_probability,
        round(present.probability - earlier.probability, 9) as change,
        earlier.persona_key as from_persona_key,
        present.persona_key as to_persona_key,
        earlier.raising_reason as from_raising_reason,
        earlier.lowering_reason as from_lowering_reason,
        present.raising_reason as to_raising_reason,
        present.lowering_reason as to_lowering_reason
    from earlier
    full outer join present
        on earlier.application_id = present.application_id
        and earlier.outcome_stage = present.outcome_stage
),

changes as (
    select
        compared.*,
        case
            when compared.from_phase is null then 'entered'
            when compared.to_phase is null then 'left'
            when compared.change > 0 then 'rose'
            else 'fell'
        end as direction,
        case
            when compared.change is not null
                then from_refits.is_refit or coalesce(to_refits.is_refit, false)
        end as is_refit
    from compared
    left join refits as from_refits on compared.from_phase = from_refits.phase
    left join refits as to_refits on compared.to_phase = to_refits.phase
    where compared.change is null or abs(compared.change) >= {{ var('change_threshold') }}
),

since as (
    select
        changes.application_id,
        changes.outcome_stage,
        news.known_on,
        news.n,
        case
            when news.application_id <> changes.application_id
                then news.news || ' (another application)'
            else news.news
        end as news
    from changes
    inner join news on changes.person_id = news.person_id
    cross join compared_day
    cross join as_of
    where news.known_on > compared_day.as_of and news.known_on <= as_of.as_of
),

counted as (
    select
        application_id,
        outcome_stage,
        news,
        min(known_on) as known_on,
        sum(n) as n
    from since
    group by application_id, outcome_stage, news
),

told as (
    select
        application_id,
        outcome_stage,
        {{ dbt.listagg(
            "news || case when n > 1 then ' (' || cast(n as varchar) || ')' else '' end",
            "', '",
            'order by known_on, news'
        ) }} as news
    from counted
    group by application_id, outcome_stage
)

select
    changes.application_id,
    changes.outcome_stage,
    as_of.as_of,
    compared_day.as_of as compared_as_of,
    changes.person_id,
    changes.entry_term,
    changes.program_code,
    changes.direction,
    changes.from_phase,
    changes.to_phase,
    changes.from_probability,
    changes.to_probability,
    changes.change,
    changes.from_persona_key,
    changes.to_persona_key,
    changes.from_persona_key <> changes.to_persona_key as is_other_persona,
    told.news,
    changes.is_refit,
    case changes.direction
        when 'rose' then changes.from_raising_reason
        when 'fell' then changes.from_lowering_reason
    end as from_reason,
    case changes.direction
        when 'rose' then changes.to_raising_reason
        when 'fell' then changes.to_lowering_reason
    end as to_reason,
    case
        when told.news is not null then 'Since then: ' || told.news
        when as_of.is_static then 'The input has no dates that would tell'
        when changes.direction = 'left' then 'No longer among those who are looked at'
        when changes.direction = 'entered' then 'Newly among those who are looked at'
        else 'Nothing new is known: days went by'
    end || case
        when changes.is_refit then '; and the model was fitted anew'
        else ''
    end || '.' as why
from changes
cross join as_of
cross join compared_day
left join told
    on changes.application_id = told.application_id
    and changes.outcome_stage = told.outcome_stage
