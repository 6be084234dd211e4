-- depends_on: {{ ref('stg_feature_catalog') }}
-- depends_on: {{ ref('ml_persona_columns') }}
{%- set known = persona_columns() | map(attribute='feature') | list %}

with

applicants as (
    select * from {{ ref('ftr_applicants') }}
    where is_primary and not is_prospect
),

days as (
    select entry_term, known_on from {{ ref('int_snapshot_days') }}
    where is_enrollment_day
),

terms as (
    select * from {{ ref('int_entry_terms_ordered') }}
),

-- The cycle that is scored, and the one before it of the same intake, on the same relative day.
present_term as (
    select
        min_by(entry_term, term_order) as entry_term,
        min_by(previous_entry_term, term_order) as previous_entry_term
    from terms
    where is_open
),

assignments as (
    select * from {{ ref('ml_persona_assignments') }}
),

compared as (
    select
        applicants.*,
        assignments.persona_key,
        applicants.entry_term = present_term.entry_term as is_present,
        row_number() over (
            partition by applicants.entry_term
            order by
                {{ sample_draw('applicants.application_id') }}, applicants.application_id
        ) as sample_rank
    from applicants
    inner join days
        on applicants.entry_term = days.entry_term
        and applicants.known_on = days.known_on
    inner join present_term
        on applicants.entry_term in (present_term.entry_term, present_term.previous_entry_term)
    inner join assignments
        on applicants.application_id = assignments.application_id
        and applicants.known_on = assignments.known_on
)

select
    application_id,
    entry_term,
    is_present,
    persona_key
    {%- for feature in fitted_rows('ml_persona_columns', order_by='column_name')
        | map(attribute='feature') | unique %},
    {{ 'cast(null as double) as ' if feature not in known }}{{ quote_name(feature) }}
    {%- endfor %}
from compared
where sample_rank <= {{ var('training_rows') }}
