with

traits as (
    select * from {{ ref('ml_persona_traits') }}
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

worded as (
    select
        traits.*,
        catalog.label,
        catalog.kind = 'boolean' as is_share
    from traits
    inner join catalog on traits.feature = catalog.feature
)

select
    run_id,
    persona_key,
    feature,
    label,
    mean,
    overall_mean,
    z_difference,
    effect_size,
    share_missing,
    trait_rank,
    direction,
    case
        when mean is null then label || ': not known of anyone in this persona.'
        else label || ': ' || {{ in_words('mean', 'is_share') }} || ' on average, against '
            || {{ in_words('overall_mean', 'is_share') }} || ' over all applicants'
            || case
                when share_missing > 0
                    then ' (missing for ' || {{ in_words('share_missing', 'true') }} || ')'
                else ''
            end
            || '.'
    end as sentence
from worded
