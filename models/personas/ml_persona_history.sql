with

assignments as (
    select * from {{ ref('ml_persona_assignments') }}
    where is_persona_snapshot and is_primary
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

fits as (
    select
        run_id,
        max(text) as fitted_at
    from {{ ref('ml_persona_runs') }}
    where record = 'provenance' and metric = 'fitted_at'
    group by run_id
),

present as (
    select
        as_of.as_of,
        assignments.run_id,
        assignments.person_id,
        assignments.entry_term,
        assignments.persona_key
    from assignments
    cross join as_of
),

stored as (
    {{ stored_columns('ml_persona_history', {
        'as_of': 'date', 'run_id': 'varchar', 'person_id': 'varchar', 'entry_term': 'varchar',
        'persona_key': 'varchar',
    }) }}
),

builds as (
    select distinct as_of, run_id from stored
    except
    select distinct as_of, run_id from present
),

kept as (
    select
        builds.as_of,
        builds.run_id
    from builds
    left join fits on builds.run_id = fits.run_id
    order by builds.as_of desc, fits.fitted_at desc nulls last, builds.run_id asc
    limit {{ var('runs_kept') - 1 }}
),

-- Who was erased, or objects by now, is in no earlier build either.
earlier as (
    select stored.* from stored
    inner join kept on stored.as_of = kept.as_of and stored.run_id = kept.run_id
    where stored.person_id in (select person_id from assignments)
)

select as_of, run_id, person_id, entry_term, persona_key from present
union all
select as_of, run_id, person_id, entry_term, persona_key from earlier
