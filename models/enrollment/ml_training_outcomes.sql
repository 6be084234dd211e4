with

phases as (
    select * from {{ ref('int_phases_ranked') }}
),

risk_periods as (
    select * from {{ ref('int_risk_periods') }}
),

applications as (
    select application_id, entry_term from {{ ref('int_applications_dated') }}
    union all
    select application_id, entry_term from {{ ref('int_prospects') }}
),

entry_terms as (
    select * from {{ ref('int_entry_terms_ordered') }}
    where is_closed
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

closed as (
    select
        risk_periods.phase,
        {{ stable_hash(
            "risk_periods.application_id || cast(risk_periods.has_outcome as varchar)"
        ) }} as code
    from risk_periods
    inner join applications on risk_periods.application_id = applications.application_id
    inner join entry_terms on applications.entry_term = entry_terms.entry_term
),

-- A sum has no order, so it names the set of outcomes.
summed as (
    select
        phase,
        count(*) as n_outcomes,
        sum(cast(code as decimal(38, 0))) as code
    from closed
    group by phase
)

select
    phases.phase,
    as_of.as_of,
    coalesce(summed.n_outcomes, 0) as n_outcomes,
    md5(cast(coalesce(summed.n_outcomes, 0) as varchar)
        || '|' || cast(coalesce(summed.code, 0) as varchar)) as fingerprint
from phases
cross join as_of
left join summed on phases.phase = summed.phase
