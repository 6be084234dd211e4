{%- set columns = {
    'application_id': 'varchar', 'phase': 'varchar', 'outcome_stage': 'varchar', 'as_of': 'date',
    'person_id': 'varchar', 'entry_term': 'varchar', 'program_code': 'varchar',
    'run_id': 'varchar', 'persona_key': 'varchar', 'probability': 'double', 'band': 'varchar',
    'raising_reason': 'varchar', 'lowering_reason': 'varchar',
} %}

with

scores as (
    select * from {{ ref('fct_enrollment_scores') }}
),

open_terms as (
    select entry_term from {{ ref('dim_entry_terms') }}
    where is_open
),

-- Whose application it is by now, and only while they may be profiled.
owners as (
    select
        known.application_id,
        known.person_id
    from (
        select application_id, person_id from {{ ref('int_applications_dated') }}
        union all
        select application_id, person_id from {{ ref('int_prospects') }}
    ) as known
    inner join {{ ref('stg_persons') }} as persons on known.person_id = persons.person_id
    where not persons.profiling_objection
),

as_of as (
    select as_of from {{ ref('int_as_of') }}
),

present as (
    select scores.* from scores
    inner join open_terms on scores.entry_term = open_terms.entry_term
),

stored as (
    {{ stored_columns('fct_score_history', columns) }}
),

kept_days as (
    select distinct stored.as_of from stored
    cross join as_of
    where stored.as_of <> as_of.as_of
    order by stored.as_of desc
    limit {{ var('days_kept') - 1 }}
),

earlier as (
    select
        {%- for column in columns %}
        {{ 'owners' if column == 'person_id' else 'stored' }}.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from stored
    inner join kept_days on stored.as_of = kept_days.as_of
    inner join owners on stored.application_id = owners.application_id
)

select {{ columns | join(', ') }}
from present
union all
select {{ columns | join(', ') }}
from earlier
