{# That a value is missing tells less than a value: measured on planted personas. #}
{% set missing_flag_weight = 0.35 %}

with

statistics as (
    select * from {{ ref('ftr_statistics') }}
),

selection as (
    select * from {{ ref('ml_feature_selection') }}
    where target = 'persona'
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

kept as (
    select
        statistics.*,
        catalog.absence_is_choice,
        count(*) over (partition by statistics.block) as block_size
    from statistics
    inner join selection on statistics.feature = selection.feature
    inner join catalog on statistics.feature = catalog.feature
    where selection.kept and statistics.stddev > 0
),

-- Each block counts the same, however many features describe it.
observed_values as (
    select
        'z_' || feature as column_name,
        feature,
        block,
        'value' as parameter_kind,
        transform,
        mean as center,
        stddev as scale,
        1 / sqrt(block_size) as weight
    from kept
),

-- Where absence is a choice, that it is absent says something of its own.
missing_flags as (
    select
        'z_' || feature || '__missing' as column_name,
        feature,
        block,
        'missing_flag' as parameter_kind,
        transform,
        share_missing as center,
        sqrt(share_missing * (1 - share_missing)) as scale,
        {{ missing_flag_weight }} / sqrt(block_size) as weight
    from kept
    where absence_is_choice and share_missing between 0.02 and 0.98
)

select column_name, feature, block, parameter_kind, transform, center, scale, weight
from observed_values
union all
select column_name, feature, block, parameter_kind, transform, center, scale, weight
from missing_flags
