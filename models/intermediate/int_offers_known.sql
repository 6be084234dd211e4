with

applications as (
    select * from {{ ref('int_applications_as_of') }}
),

stages_known as (
    select * from {{ ref('int_stages_known') }}
),

offers as (
    select
        application_id,
        scholarship_offer_amount,
        cast(scholarship_offered_at as date) as offered_on
    from {{ ref('stg_applications') }}
),

recording as (
    select count(scholarship_offer_amount) > 0 as records_offers from offers
),

-- An offer without a date is known since the admission, never before it.
known_offers as (
    select
        applications.application_id,
        applications.known_on,
        offers.scholarship_offer_amount
    from applications
    inner join offers on applications.application_id = offers.application_id
    left join stages_known
        on applications.application_id = stages_known.application_id
        and applications.known_on = stages_known.known_on
    where offers.scholarship_offer_amount > 0
        and (
            applications.is_static
            or coalesce(offers.offered_on, stages_known.admitted_on) <= applications.known_on
        )
)

select
    applications.application_id,
    applications.known_on,
    case
        when recording.records_offers then known_offers.scholarship_offer_amount is not null
    end as scholarship_offered,
    case
        when recording.records_offers then coalesce(known_offers.scholarship_offer_amount, 0)
    end as scholarship_amount
from applications
cross join recording
left join known_offers
    on applications.application_id = known_offers.application_id
    and applications.known_on = known_offers.known_on
