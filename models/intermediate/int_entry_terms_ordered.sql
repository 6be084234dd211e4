{#- Nearer or farther than this is another intake, not the cycle before. #}
{%- set fewest_days_between, most_days_between = 270, 460 %}

with

as_of as (
    select * from {{ ref('int_as_of') }}
),

entry_terms as (
    select * from {{ ref('stg_entry_terms') }}
),

applications as (
    select * from {{ ref('stg_applications') }}
),

stage_events as (
    select * from {{ ref('stg_stage_events') }}
),

stages as (
    select * from {{ ref('stages') }}
),

-- A term that nobody can or does apply for yet is no cycle of this build.
used as (
    select entry_terms.entry_term from entry_terms
    cross join as_of
    where entry_terms.opens_on is null or entry_terms.opens_on <= as_of.as_of
    union
    select entry_term from applications
    where entry_term is not null
    union
    select entry_terms.entry_term from entry_terms
    inner join {{ ref('stg_persons') }} as persons
        on entry_terms.entry_term = persons.intended_entry_term
),

-- What the histories say about a term whose calendar the input does not give.
observed as (
    select
        applications.entry_term,
        max(
            case when stages.stage_rank >= 100 then cast(stage_events.occurred_at as date) end
        ) as last_enrolled_on,
        min(cast(stage_events.occurred_at as date)) as first_event_on,
        max(
            case when {{ outcome_stage_condition('stages') }} then 1 else 0 end
        ) as has_outcome,
        max(case when stages.stage = 'enrolled' then 1 else 0 end) as has_enrolled
    from applications
    left join stage_events on applications.application_id = stage_events.application_id
    left join stages on stage_events.stage = stages.stage
    group by applications.entry_term
),

described as (
    select
        used.entry_term,
        entry_terms.opens_on,
        -- Enrollments of a term that is said to be open are not its last.
        coalesce(
            entry_terms.census_on,
            case
                when coalesce(entry_terms.status, 'closed') = 'closed'
                    then observed.last_enrolled_on
            end
        ) as census_on,
        entry_terms.census_on is not null as has_census,
        entry_terms.term_order as given_order,
        entry_terms.status as given_status,
        {{ term_label_order('used.entry_term') }} as label_order,
        observed.first_event_on,
        coalesce(observed.has_outcome, 0) = 1 as has_outcome,
        coalesce(observed.has_enrolled, 0) = 1 as has_enrolled
    from used
    left join entry_terms on used.entry_term = entry_terms.entry_term
    left join observed on used.entry_term = observed.entry_term
),

calendar as (
    select
        max(given_order) as any_given_order,
        max(census_on) as last_census_on
    from described
),

-- One scale for all terms: the given order, else the calendar, else the year in the label.
sortable as (
    select
        described.*,
        case
            when calendar.any_given_order is not null then described.given_order
            when coalesce(described.census_on, described.opens_on, described.first_event_on)
                is not null
                then {{ dbt.datediff(
                    "date '1970-01-01'",
                    'coalesce(described.census_on, described.opens_on, described.first_event_on)',
                    'day'
                ) }}
            else described.label_order
        end as sort_key,
        calendar.last_census_on
    from described
    cross join calendar
),

ordered as (
    select
        sortable.*,
        case
            when sort_key is not null
                then dense_rank() over (order by sort_key nulls last)
        end as term_order
    from sortable
),

judged as (
    select
        ordered.*,
        as_of.as_of,
        case
            when as_of.is_static then coalesce(
                ordered.given_status, case when ordered.has_outcome then 'closed' else 'open' end
            )
            -- Enrollments whose day nobody wrote down still say that the census is past, but not
            -- of which day.
            when ordered.census_on is null then coalesce(
                ordered.given_status,
                case
                    when ordered.has_enrolled and not as_of.is_wound_back then 'closed'
                    else 'open'
                end
            )
            when ordered.census_on > as_of.as_of then 'open'
            when {{ dbt.dateadd('day', var('settling_days'), 'ordered.census_on') }} > as_of.as_of
                then 'settling'
            else 'closed'
        end as status
    from ordered
    cross join as_of
),

-- An open term without a census is taken to close as many years after the last known one as make
-- it a day to come.
dated as (
    select
        *,
        case
            when census_on is not null then census_on
            when status = 'open' and last_census_on is not null
                then cast({{ dbt.dateadd(
                    'year',
                    "1 + cast(floor(greatest(0, 1 + "
                    ~ dbt.datediff('last_census_on', 'as_of', 'day')
                    ~ ") / 365.25) as integer)",
                    'last_census_on'
                ) }} as date)
        end as final_census_on
    from judged
),

-- The same intake a year ago: the nearest to a year, and of parallel terms the one named alike.
ranked_pairs as (
    select
        dated.entry_term,
        previous.entry_term as previous_entry_term,
        row_number() over (
            partition by dated.entry_term
            order by
                abs({{ dbt.datediff(
                    'previous.final_census_on', 'dated.final_census_on', 'day'
                ) }} - 365),
                case
                    when regexp_replace(previous.entry_term, '[0-9]+', '')
                        = regexp_replace(dated.entry_term, '[0-9]+', '') then 1
                    else 2
                end,
                previous.entry_term
        ) as choice
    from dated
    inner join dated as previous
        on {{ dbt.datediff('previous.final_census_on', 'dated.final_census_on', 'day') }}
            between {{ fewest_days_between }} and {{ most_days_between }}
)

select
    dated.entry_term,
    cast(dated.term_order as integer) as term_order,
    ranked_pairs.previous_entry_term,
    dated.opens_on,
    dated.final_census_on as census_on,
    case
        when dated.has_census then 'input'
        when dated.census_on is not null then 'last enrollment'
        when dated.final_census_on is not null then 'projected'
        else 'unknown'
    end as census_source,
    dated.given_status,
    dated.status,
    dated.status = 'open' as is_open,
    dated.status = 'closed' as is_closed
from dated
left join ranked_pairs
    on dated.entry_term = ranked_pairs.entry_term
    and ranked_pairs.choice = 1
