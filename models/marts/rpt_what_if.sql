{# People that a range needs: fewer say nothing of how the likelihood goes with it. #}
{%- set least_people = 20 %}
{# Counts are told in tens, so that they tell nothing of people whom other marts hide. #}
{%- set tens = 10 %}

with

fitted as (
    select * from {{ ref('ml_enrollment_fit') }}
    where record = 'dependence'
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

phases as (
    select phase from {{ ref('int_phases_ranked') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

ranges as (
    select
        fitted.run_id,
        fitted.phase,
        case when fitted.scope = 'global' then 'all' else fitted.scope end as persona_key,
        fitted.feature,
        fitted.item as range_order,
        fitted.text as range_name,
        fitted.value,
        fitted.low,
        fitted.high,
        fitted.n,
        sum(fitted.n) over (partition by fitted.phase, fitted.feature, fitted.scope) as n_people
    from fitted
    inner join phases on fitted.phase = phases.phase
),

totals as (
    select phase, feature, persona_key, 'all' as range_order, max(n_people) as n
    from ranges
    group by phase, feature, persona_key
),

cells as (
    select phase, feature, persona_key, range_order, n from ranges
    union all
    select phase, feature, persona_key, range_order, n from totals
),

decided as (
    {{ suppressed_cells(
        'cells', ['phase', 'feature'], column='range_order', row='persona_key'
    ) }}
),

-- Of a value that is missing, or of many rare ones, there is no likelihood to tell.
told as (
    select
        ranges.*,
        decided.is_suppressed or ranges.n < {{ least_people }} as is_suppressed,
        ranges.value is not null as is_predicted
    from ranges
    inner join decided
        on {{ same_keys('ranges', 'decided', ['phase', 'feature', 'persona_key', 'range_order']) }}
    -- Who has no persona is in the counts of everyone only.
    where ranges.persona_key <> 'none'
        and (ranges.n > 0 or ranges.value is not null)
)

select
    told.run_id,
    told.phase,
    told.persona_key,
    told.feature,
    told.range_name as {{ quote_name('range') }},
    cast(told.range_order as integer) as range_order,
    catalog.label as feature_label,
    catalog.unit,
    case
        when not told.is_suppressed then cast(round(told.n / {{ tens }}e0) * {{ tens }} as bigint)
    end as n,
    case when not told.is_suppressed then round(told.n * 1e0 / told.n_people, 2) end as share,
    case when not told.is_suppressed then round(told.value, 9) end as probability,
    case when not told.is_suppressed then round(told.low, 9) end as low,
    case when not told.is_suppressed then round(told.high, 9) end as high,
    told.is_suppressed,
    case
        when told.is_suppressed
            then 'Too few people to tell, or needed to hide a range that has too few.'
        when not told.is_predicted then 'People of whom no more is known: no likelihood is told.'
        else 'An association among people who were not used to fit, not an effect: whoever has '
            || 'this value differs in more than it.'
    end as reading,
    as_of.is_static
from told
inner join catalog on told.feature = catalog.feature
cross join as_of
