{# A group of fewer rows than this leans on the pool of all groups. #}
{% set full_trust_rows = 30 %}

with

education as (
    select * from {{ ref('int_education_harmonized') }}
    where is_usable and gpa_position is not null
),

applications as (
    select * from {{ ref('int_applications_as_of') }}
    where is_persona_snapshot
),

cycles as (
    select {{ count_where('is_closed') }} > 0 as has_closed from applications
),

training_persons as (
    select
        applications.person_id,
        max(applications.known_on) as known_on
    from applications
    cross join cycles
    where not cycles.has_closed or applications.is_closed
    group by applications.person_id
),

training_rows as (
    select
        coalesce(education.country, 'unknown') as country,
        coalesce(education.gpa_scale_key, 'unknown') as gpa_scale_key,
        cast(floor(education.gpa_position * 100) as integer) as position_bucket
    from education
    inner join training_persons on education.person_id = training_persons.person_id
    where education.known_at is null
        or cast(education.known_at as date) <= training_persons.known_on
),

digits as (
    {%- for digit in range(10) %}
    select {{ digit }} as digit
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

buckets as (
    select tens.digit * 10 + ones.digit as position_bucket
    from digits as tens
    cross join digits as ones
    union all
    select 100 as position_bucket
),

counts as (
    select country, gpa_scale_key, position_bucket, count(*) as n
    from training_rows
    group by country, gpa_scale_key, position_bucket
),

known_groups as (
    select country, gpa_scale_key, count(*) as n_rows
    from training_rows
    group by country, gpa_scale_key
),

dense as (
    select
        known_groups.country,
        known_groups.gpa_scale_key,
        known_groups.n_rows,
        buckets.position_bucket,
        coalesce(counts.n, 0) as n
    from known_groups
    cross join buckets
    left join counts
        on known_groups.country = counts.country
        and known_groups.gpa_scale_key = counts.gpa_scale_key
        and buckets.position_bucket = counts.position_bucket
),

pool_counts as (
    select position_bucket, sum(n) as n from dense
    group by position_bucket
),

pool as (
    select
        position_bucket,
        (sum(n) over (order by position_bucket) - 0.5 * n) / sum(n) over () as percentile
    from pool_counts
),

-- Mid-ranks: the share below, plus half of those in the same bucket.
grouped as (
    select
        *,
        (
            sum(n) over (
                partition by country, gpa_scale_key order by position_bucket
            ) - 0.5 * n
        ) / n_rows as group_percentile,
        least(1.0, n_rows / {{ full_trust_rows }}.0) as trust
    from dense
)

select
    grouped.country,
    grouped.gpa_scale_key,
    grouped.position_bucket,
    cast(grouped.n_rows as integer) as n_rows,
    round(cast(
        grouped.trust * grouped.group_percentile + (1 - grouped.trust) * pool.percentile as double
    ), 9) as percentile
from grouped
inner join pool on grouped.position_bucket = pool.position_bucket
union all
select
    'any' as country,
    'any' as gpa_scale_key,
    position_bucket,
    cast((select count(*) from training_rows) as integer) as n_rows,
    round(cast(percentile as double), 9) as percentile
from pool
