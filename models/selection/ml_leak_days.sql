{# A day speaks only where it has as many applications with the outcome, and without it. #}
{%- set fewest = 20 %}
{# A category of fewer rows than this leans on the rate over everyone. #}
{%- set full_trust_rows = 10 %}

with

leak_rows as (
    select * from {{ ref('ml_leak_rows') }}
),

days as (
    select
        phase,
        feature,
        days_to_census,
        count(*) as n_rows,
        sum(outcome) as n_positive,
        {{ count_where('outcome = 0') }} as n_negative,
        {{ count_where('outcome = 1 and value is null and category is null') }}
            as n_positive_missing,
        {{ count_where('outcome = 0 and value is null and category is null') }}
            as n_negative_missing
    from leak_rows
    group by phase, feature, days_to_census
),

numbers as (
    select
        phase,
        feature,
        days_to_census,
        value as score,
        sum(outcome) as n_positive,
        {{ count_where('outcome = 0') }} as n_negative
    from leak_rows
    where value is not null
    group by phase, feature, days_to_census, value
),

categories as (
    select
        phase,
        feature,
        days_to_census,
        category,
        fold,
        sum(outcome) as n_positive,
        {{ count_where('outcome = 0') }} as n_negative
    from leak_rows
    where category is not null
    group by phase, feature, days_to_census, category, fold
),

-- What the other folds say of a category: its own rows would vouch for themselves.
others as (
    select
        categories.*,
        sum(n_positive) over other_rows - n_positive as other_positive,
        sum(n_positive + n_negative) over other_rows - n_positive - n_negative as other_n,
        sum(n_positive) over all_rows
        / cast(sum(n_positive + n_negative) over all_rows as double) as overall_rate
    from categories
    window
        other_rows as (partition by phase, feature, days_to_census, category),
        all_rows as (partition by phase, feature, days_to_census)
),

scores as (
    select
        phase, feature, days_to_census, false as is_category, score, n_positive, n_negative
    from numbers
    union all
    select
        phase,
        feature,
        days_to_census,
        true as is_category,
        (other_positive + {{ full_trust_rows }} * overall_rate)
        / (other_n + {{ full_trust_rows }}) as score,
        n_positive,
        n_negative
    from others
),

levels as (
    select
        phase,
        feature,
        days_to_census,
        is_category,
        score,
        sum(n_positive) as n_positive,
        sum(n_negative) as n_negative
    from scores
    group by phase, feature, days_to_census, is_category, score
),

-- Pairs that the value orders rightly; those of one value count half.
ordered as (
    select
        *,
        sum(n_negative) over (
            partition by phase, feature, days_to_census order by score
            rows between unbounded preceding and current row
        ) - n_negative / 2.0 as n_negative_below
    from levels
),

areas as (
    select
        phase,
        feature,
        days_to_census,
        is_category,
        sum(n_positive * cast(n_negative_below as decimal(38, 1)))
        / nullif(cast(sum(n_positive) * sum(n_negative) as double), 0) as area,
        sum(n_positive) as n_positive,
        sum(n_negative) as n_negative
    from ordered
    group by phase, feature, days_to_census, is_category
)

select
    days.phase,
    days.feature,
    days.days_to_census,
    cast(days.n_rows as bigint) as n_rows,
    -- Below .5 where low values go with the outcome. Rates of categories have their direction:
    -- one that errs on other folds tells nothing.
    case
        when areas.n_positive >= {{ fewest }} and areas.n_negative >= {{ fewest }}
            then case
                when areas.is_category then greatest(areas.area, 0.5) else areas.area
            end
    end as directed_auc,
    case
        when days.n_positive >= {{ fewest }} and days.n_negative >= {{ fewest }}
            then 0.5 + 0.5 * abs(
                days.n_positive_missing / cast(days.n_positive as double)
                - days.n_negative_missing / cast(days.n_negative as double)
            )
    end as missingness_auc
from days
left join areas
    on days.phase = areas.phase
    and days.feature = areas.feature
    and days.days_to_census is not distinct from areas.days_to_census
