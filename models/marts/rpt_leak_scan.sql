{%- set most_value_auc, most_missingness_auc, most_auc_jump = 0.90, 0.85, 0.20 %}
{# Fewer applications than this prove nothing about when a value is made. #}
{%- set fewest = 20 %}
{# How many should differ from the rest when the phase begins, and the share of them that may. #}
{%- set fewest_expected, most_begun = 10, 0.1 %}

with

phase_features as (
    select * from {{ ref('ftr_phase_features') }}
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

phases as (
    select * from {{ ref('int_phases_ranked') }}
),

selection as (
    select * from {{ ref('ml_feature_selection') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

run as (
    select distinct run_id from {{ ref('ml_feature_screening') }}
),

leak_days as (
    select * from {{ ref('ml_leak_days') }}
),

leak_stages as (
    select * from {{ ref('ml_leak_stages') }}
),

bounded as (
    select
        *,
        max(case when directed_auc is not null then days_to_census end) over feature_days
            as first_days_to_census,
        min(case when directed_auc is not null then days_to_census end) over feature_days
            as last_days_to_census
    from leak_days
    window feature_days as (partition by phase, feature)
),

measured as (
    select
        phase,
        feature,
        sum(n_rows) as n_rows,
        first_days_to_census,
        last_days_to_census,
        max(greatest(directed_auc, 1 - directed_auc)) as value_auc,
        max(missingness_auc) as missingness_auc,
        max(case when days_to_census = first_days_to_census then directed_auc end) as first_auc,
        max(case when days_to_census = last_days_to_census then directed_auc end) as last_auc
    from bounded
    group by phase, feature, first_days_to_census, last_days_to_census
),

scanned as (
    select
        run.run_id,
        phase_features.phase,
        phase_features.feature,
        phase_features.earliest_stage,
        phase_features.is_allowed,
        coalesce(selection.kept, false) as is_used,
        catalog.protected,
        {{ has_no_history('catalog') }} as has_no_history,
        {{ is_waiting_time('catalog', 'phases.at_risk_rank') }} as is_waiting_time,
        phases.at_risk_stage,
        coalesce(measured.n_rows, 0) as n_rows,
        measured.first_days_to_census,
        measured.last_days_to_census,
        measured.value_auc,
        measured.missingness_auc,
        -- In the direction that the value has at last.
        case
            when measured.last_auc >= 0.5 then measured.last_auc - measured.first_auc
            else measured.first_auc - measured.last_auc
        end as auc_jump,
        case
            when measured.last_auc >= 0.5 then measured.first_auc else 1 - measured.first_auc
        end as first_auc,
        greatest(measured.last_auc, 1 - measured.last_auc) as last_auc,
        leak_stages.first_stage,
        leak_stages.share_beginning,
        leak_stages.share_later,
        -- Before an inquiry nobody is known at all, so there everything grows.
        phases.at_risk_rank > {{ stage_rank('inquiry') }}
        and leak_stages.first_rank > phases.at_risk_rank
        and leak_stages.n_known >= {{ fewest }}
        and leak_stages.n_before_first >= {{ fewest }} as is_known_late,
        leak_stages.share_later * leak_stages.n_beginning >= {{ fewest_expected }}
        and leak_stages.share_beginning < {{ most_begun }} * leak_stages.share_later
            as is_made_late
    from phase_features
    cross join run
    inner join catalog on phase_features.feature = catalog.feature
    inner join phases on phase_features.phase = phases.phase
    left join selection
        on phase_features.phase = selection.target
        and phase_features.feature = selection.feature
    left join measured
        on phase_features.phase = measured.phase
        and phase_features.feature = measured.feature
    left join leak_stages
        on phase_features.phase = leak_stages.phase
        and phase_features.feature = leak_stages.feature
)

select
    run_id,
    phase,
    feature,
    earliest_stage,
    is_used,
    cast(n_rows as bigint) as n_rows,
    cast(first_days_to_census as integer) as first_days_to_census,
    cast(last_days_to_census as integer) as last_days_to_census,
    round(value_auc, 9) as value_auc,
    round(missingness_auc, 9) as missingness_auc,
    round(auc_jump, 9) as auc_jump,
    first_stage,
    round(share_beginning, 9) as share_beginning,
    round(share_later, 9) as share_later,
    case
        when not is_allowed and protected then 'not available: a protected attribute'
        when not is_allowed
            then 'not available: first known at the stage ' || earliest_stage
        when is_waiting_time
            then 'clear: the days since a stage that led here, which each day knows'
                || coalesce(' (AUC ' || {{ in_words('value_auc', 'false') }} || ')', '')
        when value_auc > {{ most_value_auc }}
            then 'probable leak: its value alone has AUC ' || {{ in_words('value_auc', 'false') }}
        when missingness_auc > {{ most_missingness_auc }}
            then 'probable leak: whether it is missing has AUC '
                || {{ in_words('missingness_auc', 'false') }}
        when is_known_late
            then 'probable leak: known from the stage ' || first_stage
                || ' on only, later than the stage ' || at_risk_stage || ' that begins the phase'
        when is_made_late
            then 'probable leak: made after the phase begins; '
                || {{ in_words('share_beginning', 'true') }} || ' differ then, '
                || {{ in_words('share_later', 'true') }} || ' later'
        when auc_jump > {{ most_auc_jump }}
            then 'grows with the season: AUC ' || {{ in_words('first_auc', 'false') }} || ' at '
                || cast(first_days_to_census as varchar) || ' days to census, '
                || {{ in_words('last_auc', 'false') }} || ' at '
                || cast(last_days_to_census as varchar)
        when value_auc is null and missingness_auc is null
            then 'not judged: too few applications of closed cycles'
        when has_no_history
            then 'clear by value'
                || coalesce(' (AUC ' || {{ in_words('value_auc', 'false') }} || ')', '')
                || ', not judged by day: it has one value and no history, so a change after the '
                || 'day would not show'
        else 'clear'
    end as verdict,
    as_of.is_static
from scanned
cross join as_of
