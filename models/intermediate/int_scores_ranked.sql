with

scores as (
    select * from {{ ref('int_scores_harmonized') }}
),

applications as (
    select * from {{ ref('stg_applications') }}
),

entry_terms as (
    select * from {{ ref('int_entry_terms_ordered') }}
),

-- A score that has expired by the first census serves no application; without a day none expires.
first_censuses as (
    select
        applications.person_id,
        case
            when count(*) = count(entry_terms.census_on) then min(entry_terms.census_on)
        end as census_on
    from applications
    left join entry_terms on applications.entry_term = entry_terms.entry_term
    group by applications.person_id
),

measured as (
    select
        scores.*,
        case
            when not scores.is_usable then null
            when scores.english_level is not null then 'english_level'
            when scores.family = 'gre' and scores.component = 'quant' then 'gre_quant'
            when scores.family = 'gre' and scores.component = 'verbal' then 'gre_verbal'
            when scores.family = 'gre' and scores.component in ('analytical', 'writing')
                then 'gre_writing'
            when scores.family = 'gmat' and scores.component = 'total' then 'gmat_total'
            else scores.test_code || ' ' || scores.component
        end as measure,
        coalesce(scores.english_level, scores.value) as measure_value,
        coalesce(scores.expires_on <= first_censuses.census_on, false) as is_expired
    from scores
    left join first_censuses on scores.person_id = first_censuses.person_id
),

-- Which score of a person serves: not expired, verified before the rest, then best, then latest.
ranked as (
    select
        *,
        case
            when measure is not null then row_number() over (
                partition by person_id, measure
                order by
                    is_expired asc,
                    case when status = 'verified' then 0 else 1 end asc,
                    measure_value desc,
                    test_date desc nulls last,
                    score_id asc
            )
        end as preference
    from measured
),

verified as (
    select
        person_id,
        test_code,
        component,
        test_date,
        max(value) as value
    from ranked
    where status = 'verified' and preference is not null and test_date is not null
    group by person_id, test_code, component, test_date
)

select
    ranked.score_id,
    ranked.person_id,
    ranked.family,
    ranked.measure,
    ranked.measure_value,
    ranked.known_at,
    ranked.expires_on,
    ranked.is_usable,
    cast(ranked.preference as integer) as preference,
    case
        when ranked.preference is null then null
        when ranked.is_expired then 'expired'
        when ranked.preference = 1 then null
        when ranked.status = 'self_reported' and ranked.value = verified.value
            then 'self_reported'
        when ranked.status = 'self_reported' and verified.value is not null then 'discrepancy'
        else 'superseded'
    end as rule
from ranked
left join verified
    on ranked.person_id = verified.person_id
    and ranked.test_code = verified.test_code
    and ranked.component = verified.component
    and ranked.test_date = verified.test_date
