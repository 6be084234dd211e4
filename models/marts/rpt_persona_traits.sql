-- depends_on: {{ ref('concordance_english') }}
with

traits as (
    select * from {{ ref('ml_persona_traits') }}
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

labeled as (
    select
        traits.*,
        catalog.label,
        catalog.kind,
        catalog.unit,
        traits.n_observed < {{ var('min_cell') }} as is_suppressed,
        case when {{ unit_tells_all('catalog.kind', 'catalog.unit') }} then '' else catalog.label || ': ' end as heading
    from traits
    inner join catalog on traits.feature = catalog.feature
),

worded as (
    select
        *,
        case
            when is_suppressed then 'known for too few to tell'
            when kind = 'boolean'
                then {{ in_unit('mean', 'kind', 'unit') }} || ' of them, against '
                    || {{ in_unit_briefly('overall_mean', 'kind', 'unit') }}
                    || ' of all applicants'
            else {{ in_unit('mean', 'kind', 'unit') }} || ' on average, '
                || {{ middle_half('lower_quartile', 'upper_quartile', 'kind', 'unit') }}
                || ', against ' || {{ in_unit_briefly('overall_mean', 'kind', 'unit') }}
                || ' among all applicants'
        end as figures,
        -- A tenth, or a difference of as much, is what a reader has to know.
        case
            when n_observed = 0 then 'not known for anyone'
            when share_missing >= 0.1 or abs(share_missing - overall_share_missing) >= 0.1
                then 'not known for ' || {{ in_unit_briefly('share_missing', "'number'", "'%'") }}
                    || ' of them and for '
                    || {{ in_unit_briefly('overall_share_missing', "'number'", "'%'") }}
                    || ' of all applicants'
        end as missing
    from labeled
)

select
    run_id,
    persona_key,
    feature,
    label,
    case when not is_suppressed then mean end as mean,
    case when not is_suppressed then lower_quartile end as lower_quartile,
    case when not is_suppressed then upper_quartile end as upper_quartile,
    overall_mean,
    z_difference,
    effect_size,
    share_missing,
    overall_share_missing,
    trait_rank,
    direction,
    case
        when missing is null and not is_suppressed then heading || figures
        when n_observed = 0 then label || ': ' || missing
        when is_suppressed then label || ': ' || figures
        when direction in ('missing', 'known')
            then label || ': ' || missing || '; where known, ' || figures
        else heading || figures || '; ' || missing
    end || '.' as sentence
from worded
