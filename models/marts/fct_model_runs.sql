with

fitted as (
    select run_id, item, text from {{ ref('ml_feature_screening') }}
    where record = 'provenance'
    union all
    select run_id, metric as item, text from {{ ref('ml_persona_runs') }}
    where record = 'provenance'
    union all
    select run_id, item, text from {{ ref('ml_enrollment_fit') }}
    where record = 'provenance'
    union all
    select run_id, item, text from {{ ref('ml_backtest_fit') }}
    where record = 'provenance'
),

facts as (
    select
        run_id,
        {%- for fact in [
            'kind', 'fitted_at', 'data_hash', 'n_rows', 'n_columns', 'settings',
            'library_version', 'versions', 'refit_reason', 'run_note', 'as_of',
        ] %}
        max(case when item = '{{ fact }}' then text end) as {{ fact }}{{ ',' if not loop.last }}
        {%- endfor %}
    from fitted
    group by run_id
),

enrollment_runs as (
    select * from {{ ref('ml_enrollment_runs') }}
),

persona_training as (
    select min(term_order) as first_order, max(term_order) as last_order
    from {{ ref('ftr_applicants') }}
    where is_persona_training
),

entry_terms as (
    select * from {{ ref('int_entry_terms_ordered') }}
),

persona_window as (
    select
        max(
            case when entry_terms.term_order = persona_training.first_order
                then entry_terms.entry_term end
        ) as training_from,
        max(
            case when entry_terms.term_order = persona_training.last_order
                then entry_terms.entry_term end
        ) as training_to
    from persona_training
    cross join entry_terms
),

persona_run as (
    select distinct run_id from {{ ref('ml_persona_fit') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
)

select
    facts.run_id,
    facts.kind,
    cast(facts.fitted_at as timestamp) as fitted_at,
    coalesce(cast(facts.as_of as date), as_of.as_of) as as_of,
    as_of.is_static,
    case
        when enrollment_runs.run_id is null then persona_window.training_from
        else enrollment_runs.training_from
    end as training_from,
    case
        when enrollment_runs.run_id is null then persona_window.training_to
        else enrollment_runs.training_to
    end as training_to,
    cast(coalesce(
        enrollment_runs.n_rows, cast(facts.n_rows as double)
    ) as bigint) as n_rows,
    cast(coalesce(
        enrollment_runs.n_features, cast(facts.n_columns as double)
    ) as bigint) as n_features,
    cast({{ var('seed') }} as bigint) as seed,
    facts.data_hash,
    facts.settings,
    facts.library_version,
    facts.versions,
    coalesce(facts.refit_reason, 'fitted on every build') as refit_reason,
    facts.run_note,
    case
        when facts.kind = 'personas' and persona_run.run_id is null then 'replaced'
        else coalesce(enrollment_runs.status, 'fitted')
    end as status
from facts
left join persona_run on facts.run_id = persona_run.run_id
left join enrollment_runs on facts.run_id = enrollment_runs.run_id
cross join persona_window
cross join as_of
