{{ config(post_hook="{{ check_as_of() }}") }}

with

dated as (
    select cast(known_at as date) as known_on from {{ ref('stg_stage_events') }}
    union all
    select cast(known_at as date) as known_on from {{ ref('stg_interactions') }}
    union all
    select cast(known_at as date) as known_on from {{ ref('int_scores_harmonized') }}
    union all
    select cast(known_at as date) as known_on from {{ ref('int_education_harmonized') }}
),

latest as (
    select max(known_on) as latest_known_on from dated
    where known_on <= {{ last_known_day() }}
),

stages as (
    select count(occurred_at) as n_dated_stages from {{ ref('stg_stage_events') }}
),

-- Dates that are all still to come are dates.
late_applications as (
    select count(*) as n_late from {{ ref('stg_late_applications') }}
)

select
    {% if var('as_of') is none -%}
    coalesce(latest.latest_known_on, {{ last_known_day() }}) as as_of,
    {%- else -%}
    {{ last_known_day() }} as as_of,
    {%- endif %}
    latest.latest_known_on,
    stages.n_dated_stages = 0 and late_applications.n_late = 0 as is_static,
    late_applications.n_late > 0 as is_wound_back
from latest
cross join stages
cross join late_applications
