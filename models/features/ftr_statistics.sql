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

aggregated as (
    select
        count(*) as n_rows
        {%- for feature in features %},
        count({{ feature.feature }}) as {{ feature.feature }}__n,
        {{ stable_avg(feature.feature) }} as {{ feature.feature }}__mean,
        {{ stable_stddev(feature.feature) }} as {{ feature.feature }}__stddev,
        percentile_cont(0.5) within group (order by {{ feature.feature }})
            as {{ feature.feature }}__median,
        min({{ feature.feature }}) as {{ feature.feature }}__min,
        max({{ feature.feature }}) as {{ feature.feature }}__max
        {%- endfor %}
    from transformed
)

{% for feature in features -%}
select
    '{{ feature.feature }}' as feature,
    '{{ feature.block }}' as block,
    '{{ feature.transform }}' as transform,
    cast(n_rows as bigint) as n_rows,
    cast({{ feature.feature }}__n as bigint) as n_observed,
    1.0 - {{ feature.feature }}__n / nullif(cast(n_rows as double), 0) as share_missing,
    round({{ feature.feature }}__mean, 12) as mean,
    round({{ feature.feature }}__stddev, 12) as stddev,
    {{ feature.feature }}__median as median,
    {{ feature.feature }}__min as min_value,
    {{ feature.feature }}__max as max_value
from aggregated
{{ 'union all' if not loop.last }}
{% else -%}
select
    cast(null as varchar) as feature, cast(null as varchar) as block,
    cast(null as varchar) as transform, cast(null as bigint) as n_rows,
    cast(null as bigint) as n_observed, cast(null as double) as share_missing,
    cast(null as double) as mean, cast(null as double) as stddev, cast(null as double) as median,
    cast(null as double) as min_value, cast(null as double) as max_value
from aggregated
where false
{% endfor %}
