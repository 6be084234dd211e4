with

persons as (
    select * from {{ ref('stg_persons') }}
),

entry_terms as (
    select * from {{ ref('int_entry_terms_ordered') }}
),

first_applications as (
    select
        person_id,
        min(first_known_on) as first_applied_on,
        max(case when first_known_on is null then 1 else 0 end) = 1 as has_undated
    from {{ ref('int_applications_dated') }}
    group by person_id
),

-- The term of the first census after a person appeared.
created_days as (
    select distinct cast(created_at as date) as created_on from persons
),

next_terms as (
    select
        created_days.created_on,
        min(entry_terms.census_on) as census_on
    from created_days
    inner join entry_terms
        on created_days.created_on <= entry_terms.census_on
        or (created_days.created_on is null and entry_terms.is_open)
    group by created_days.created_on
),

terms_by_census as (
    select
        census_on,
        min(entry_term) as entry_term
    from entry_terms
    group by census_on
),

placed as (
    select
        persons.person_id,
        coalesce(intended.entry_term, terms_by_census.entry_term) as entry_term,
        persons.intended_program_code as program_code,
        cast(persons.created_at as date) as first_known_on,
        first_applications.first_applied_on
    from persons
    left join first_applications on persons.person_id = first_applications.person_id
    left join entry_terms as intended on persons.intended_entry_term = intended.entry_term
    left join next_terms
        on cast(persons.created_at as date) is not distinct from next_terms.created_on
    left join terms_by_census on next_terms.census_on = terms_by_census.census_on
    where not coalesce(first_applications.has_undated, false)
        and (
            first_applications.first_applied_on is null
            or first_applications.first_applied_on > cast(persons.created_at as date)
        )
)

select
    'prospect:' || person_id as application_id,
    person_id,
    entry_term,
    program_code,
    first_known_on,
    first_applied_on
from placed
where entry_term is not null
