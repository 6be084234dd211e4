-- depends_on: {{ ref('stg_feature_catalog') }}
{%- set features = told_features() %}

with

applicants as (
    select * from {{ ref('ftr_applicants') }}
    where is_persona_snapshot and is_primary
),

assignments as (
    select * from {{ ref('ml_persona_assignments') }}
),

assigned as (
    select
        assignments.run_id,
        assignments.persona_key,
        applicants.*
    from applicants
    inner join assignments
        on applicants.application_id = assignments.application_id
        and applicants.known_on = assignments.known_on
),

bounds as (
    select
        count(*) as n_rows
        {%- for feature in features %},
        min({{ feature.feature }}) as {{ feature.feature }}__min,
        max({{ feature.feature }}) as {{ feature.feature }}__max
        {%- endfor %}
    from assigned
),

-- Between the least and the largest value of anyone, as delivered and as transformed.
positions as (
    select
        assigned.run_id,
        assigned.persona_key
        {%- for feature in features %}
        {%- set value = 'assigned.' ~ feature.feature %}
        {%- set low = 'bounds.' ~ feature.feature ~ '__min' %}
        {%- set high = 'bounds.' ~ feature.feature ~ '__max' %},
        {{ position_between(value, low, high) }} as {{ feature.feature }}__value,
        {{ position_between(
            transformed(feature, value), transformed(feature, low), transformed(feature, high)
        ) }} as {{ feature.feature }}
        {%- endfor %}
    from assigned
    cross join bounds
),

by_persona as (
    select
        run_id,
        persona_key,
        count(*) as n
        {%- for feature in features %},
        count({{ feature.feature }}) as {{ feature.feature }}__n,
        {{ stable_avg(feature.feature ~ '__value') }} as {{ feature.feature }}__mean,
        percentile_disc([0.25, 0.75]) within group (order by {{ feature.feature }}__value)
            as {{ feature.feature }}__quartiles,
        {{ stable_avg(feature.feature) }} as {{ feature.feature }}__position,
        {{ stable_variance(feature.feature) }} as {{ feature.feature }}__variance
        {%- endfor %}
    from positions
    group by run_id, persona_key
),

long as (
    {% for feature in features -%}
    select
        by_persona.run_id,
        by_persona.persona_key,
        by_persona.n,
        {{ sql_string(feature.feature) }} as feature,
        {{ feature.absence_is_choice | lower }} as absence_is_choice,
        by_persona.{{ feature.feature }}__n as n_observed,
        by_persona.{{ feature.feature }}__mean as mean,
        by_persona.{{ feature.feature }}__quartiles[1] as lower_quartile,
        by_persona.{{ feature.feature }}__quartiles[2] as upper_quartile,
        by_persona.{{ feature.feature }}__position as position,
        by_persona.{{ feature.feature }}__variance as variance,
        bounds.{{ feature.feature }}__min as low,
        bounds.{{ feature.feature }}__max as high
    from by_persona
    cross join bounds
    {{ 'union all' if not loop.last }}
    {% else -%}
    select
        run_id, persona_key, n, cast(null as varchar) as feature,
        cast(null as boolean) as absence_is_choice,
        cast(null as bigint) as n_observed, cast(null as double) as mean,
        cast(null as double) as lower_quartile, cast(null as double) as upper_quartile,
        cast(null as double) as position, cast(null as double) as variance,
        cast(null as double) as low, cast(null as double) as high
    from by_persona
    where false
    {% endfor %}
),

-- Everyone's mean and deviation follow from those of the personas.
overall as (
    select
        feature,
        sum(n) as n,
        sum(n_observed) as n_observed,
        {{ stable_sum('n_observed * mean') }} / nullif(sum(n_observed), 0) as mean,
        {{ stable_sum('n_observed * position') }} / nullif(sum(n_observed), 0) as position
    from long
    group by feature
),

spread as (
    select
        long.feature,
        sqrt(
            {{ stable_sum(
                'long.n_observed * (long.variance + power(long.position - overall.position, 2))'
            ) }} / nullif(max(overall.n_observed), 0)
        ) as stddev
    from long
    inner join overall on long.feature = overall.feature
    group by long.feature
),

compared as (
    select
        long.run_id,
        long.persona_key,
        long.feature,
        long.absence_is_choice,
        long.n_observed,
        {%- for figure in ['mean', 'lower_quartile', 'upper_quartile'] %}
        {{ value_between('long.' ~ figure, 'long.low', 'long.high') }} as {{ figure }},
        {%- endfor %}
        {{ value_between('overall.mean', 'long.low', 'long.high') }} as overall_mean,
        (long.position - overall.position) / nullif(spread.stddev, 0) as z_difference,
        -- Against everyone else, in the persona's own spread: how far apart the two groups are.
        (
            long.position
            - (overall.position * overall.n_observed - long.position * long.n_observed)
            / nullif(overall.n_observed - long.n_observed, 0)
        ) / nullif(spread.stddev, 0) as effect_size,
        1.0 - long.n_observed / cast(long.n as double) as share_missing,
        1.0 - overall.n_observed / cast(overall.n as double) as overall_share_missing,
        1.0 - (overall.n_observed - long.n_observed)
        / nullif(cast(overall.n - long.n as double), 0) as share_missing_of_others
    from long
    inner join overall on long.feature = overall.feature
    inner join spread on long.feature = spread.feature
),

weighed as (
    select
        *,
        -- A value that most of the persona do not show describes only the few who do.
        coalesce(abs(effect_size) * (1 - share_missing), 0) as value_strength,
        case
            when absence_is_choice
                then coalesce(
                    (share_missing - share_missing_of_others)
                    / nullif(sqrt(overall_share_missing * (1 - overall_share_missing)), 0), 0
                )
            else 0
        end as missing_effect
    from compared
),

directed as (
    select
        *,
        case
            when missing_effect > value_strength and share_missing >= 0.5 then 'missing'
            when -missing_effect > value_strength and share_missing < 0.5 then 'known'
            when effect_size > 0 then 'high'
            when effect_size < 0 then 'low'
            else 'typical'
        end as direction
    from weighed
),

rounded as (
    select
        *,
        round(
            case
                when direction in ('missing', 'known') then abs(missing_effect)
                else value_strength
            end, 6
        ) as strength
    from directed
)

select
    run_id,
    persona_key,
    feature,
    n_observed,
    {%- for figure in [
        'mean', 'lower_quartile', 'upper_quartile', 'overall_mean', 'z_difference', 'effect_size',
        'share_missing', 'overall_share_missing', 'strength',
    ] %}
    round({{ figure }}, 9) as {{ figure }},
    {%- endfor %}
    cast(row_number() over (
        partition by persona_key order by strength desc, feature asc
    ) as integer) as trait_rank,
    direction
from rounded
