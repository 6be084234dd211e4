{#- So many values off the scale, and such a share, are no slips: the field is on another scale. -#}
{%- set least_number, least_share = 5, 0.1 -%}

with

answers as (
    select
        value_numeric,
        value_numeric not between {{ intent_scale() | join(' and ') }} as is_off_scale
    from {{ ref('stg_interactions') }}
    where interaction_type = 'intent_survey' and value_numeric is not null
),

grades as (
    select
        gpa_value,
        coalesce(rule in ('exceeds_scale', 'below_scale'), false) as is_off_scale
    from {{ ref('int_education_harmonized') }}
    where gpa_value is not null
),

fields as (
    select
        'interactions' as table_name,
        'value_numeric' as column_name,
        count(*) as n_values,
        count(case when is_off_scale then 1 end) as n_off_scale,
        min(value_numeric) as least_value,
        max(value_numeric) as largest_value
    from answers
    union all
    select
        'education_records' as table_name,
        'gpa_value' as column_name,
        count(*) as n_values,
        count(case when is_off_scale then 1 end) as n_off_scale,
        min(gpa_value) as least_value,
        max(gpa_value) as largest_value
    from grades
)

select
    table_name,
    column_name,
    n_values,
    n_off_scale,
    least_value,
    largest_value,
    n_off_scale < {{ least_number }}
    or n_off_scale <= {{ least_share }} * n_values as fits_its_scale
from fields
