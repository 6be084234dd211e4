-- depends_on: {{ ref('stg_feature_catalog') }}
{%- set features = persona_features() %}

with

training_rows as (
    select * from {{ ref('ftr_applicants') }}
    where is_persona_training
),

transformed as (
    select
        application_id
        {%- for feature in features %},
        {{ transformed(feature) }} as {{ feature.feature }}
        {%- endfor %}
    from training_rows
),

bounds as (
    select
        count(*) as n_rows
        {%- for feature in features %},
        count({{ feature.feature }}) as {{ feature.feature }}__n,
        percentile_cont(0.5) within group (order by {{ feature.feature }})
            as {{ feature.feature }}__median,
        min({{ feature.feature }}) as {{ feature.feature }}__min,
        max({{ feature.feature }}) as {{ feature.feature }}__max
        {%- endfor %}
    from transformed
),

positions as (
    select
        transformed.application_id
        {%- for feature in features %},
        {{ position_between(
            'transformed.' ~ feature.feature, 'bounds.' ~ feature.feature ~ '__min',
            'bounds.' ~ feature.feature ~ '__max'
        ) }} as {{ feature.feature }}
        {%- endfor %}
    from transformed
    cross join bounds
),

aggregated as (
    select
        count(*) as n_positions
        {%- for feature in features %},
        {{ stable_avg(feature.feature) }} as {{ feature.feature }}__mean,
        sqrt({{ stable_variance(feature.feature) }}) as {{ feature.feature }}__stddev
        {%- endfor %}
    from positions
)

{% for feature in features -%}
{%- set low, high = 'bounds.' ~ feature.feature ~ '__min', 'bounds.' ~ feature.feature ~ '__max' -%}
select
    {{ sql_string(feature.feature) }} as feature,
    {{ sql_string(feature.block) }} as block,
    {{ sql_string(feature.transform) }} as transform,
    cast(bounds.n_rows as bigint) as n_rows,
    cast(bounds.{{ feature.feature }}__n as bigint) as n_observed,
    1.0 - bounds.{{ feature.feature }}__n / nullif(cast(bounds.n_rows as double), 0)
        as share_missing,
    {{ value_between('aggregated.' ~ feature.feature ~ '__mean', low, high) }} as mean,
    aggregated.{{ feature.feature }}__stddev * ({{ high }} - {{ low }}) as stddev,
    bounds.{{ feature.feature }}__median as median,
    {{ low }} as min_value,
    {{ high }} as max_value
from bounds
cross join aggregated
{{ 'union all' if not loop.last }}
{% else -%}
select
    cast(null as varchar) as feature, cast(null as varchar) as block,
    cast(null as varchar) as transform, cast(null as bigint) as n_rows,
    cast(null as bigint) as n_observed, cast(null as double) as share_missing,
    cast(null as double) as mean, cast(null as double) as stddev, cast(null as double) as median,
    cast(null as double) as min_value, cast(null as double) as max_value
from bounds
cross join aggregated
where false
{% endfor %}
