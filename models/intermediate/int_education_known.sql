with

applications as (
    select * from {{ ref('int_applications_as_of') }}
),

education as (
    select * from {{ ref('int_education_harmonized') }}
    where is_usable and gpa_position is not null
),

percentiles as (
    select * from {{ ref('int_gpa_percentiles_fitted') }}
),

-- The latest degree known on the day speaks for the applicant.
ranked as (
    select
        applications.application_id,
        applications.known_on,
        education.gpa_position,
        coalesce(education.country, 'unknown') as country,
        coalesce(education.gpa_scale_key, 'unknown') as gpa_scale_key,
        cast(floor(education.gpa_position * 100) as integer) as position_bucket,
        row_number() over (
            partition by applications.application_id, applications.known_on
            order by
                education.graduated_on desc nulls last,
                education.known_at desc nulls last,
                education.education_id asc
        ) as recency
    from applications
    inner join education on applications.person_id = education.person_id
    where education.known_at is null
        or cast(education.known_at as date) <= applications.known_on
)

select
    applications.application_id,
    applications.known_on,
    ranked.gpa_position,
    coalesce(own.percentile, pooled.percentile) as gpa_percentile
from applications
left join ranked
    on applications.application_id = ranked.application_id
    and applications.known_on = ranked.known_on
    and ranked.recency = 1
left join percentiles as own
    on ranked.country = own.country
    and ranked.gpa_scale_key = own.gpa_scale_key
    and ranked.position_bucket = own.position_bucket
left join percentiles as pooled
    on pooled.country = 'any'
    and ranked.position_bucket = pooled.position_bucket
