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
        {{ plain_heading('catalog.label') }} || ': ' as heading,
        traits.n_observed < {{ var('min_cell') }} as is_suppressed,
        {{ share_in_words('traits.share_missing') }} as missing,
        {{ share_in_words('traits.overall_share_missing') }} as overall_missing,
        {{ share_in_words('1 - traits.share_missing') }} as known,
        {{ share_in_words('1 - traits.overall_share_missing') }} as overall_known,
        -- A tenth, or a difference of as much, is what a reader has to know.
        traits.share_missing >= 0.1
        or abs(traits.share_missing - traits.overall_share_missing) >= 0.1 as is_missing_told
    from traits
    inner join catalog on traits.feature = catalog.feature
),

measured as (
    select
        *,
        case
            when kind = 'boolean'
                then {{ in_unit('mean', 'kind', 'unit') }} || ' of them, against '
                    || {{ in_unit_briefly('overall_mean', 'kind', 'unit') }}
                    || ' of all applicants'
            else {{ in_unit('mean', 'kind', 'unit') }} || ' on average, '
                || {{ middle_half('lower_quartile', 'upper_quartile', 'kind', 'unit') }}
                || ', against ' || {{ in_unit_briefly('overall_mean', 'kind', 'unit') }}
                || ' among all applicants'
        end as figures
    from labeled
),

worded as (
    select
        *,
        case
            when n_observed = 0 then heading || 'not known for anyone'
            when direction = 'missing'
                then heading || 'not known for ' || missing || ' of them, against '
                    || overall_missing || ' of all applicants'
            when is_suppressed then heading || 'known for too few to tell'
            when direction = 'known'
                then heading || 'known for ' || known || ' of them, against ' || overall_known
                    || ' of all applicants; where known, ' || figures
            else case when {{ unit_tells_all('kind', 'unit') }} then '' else heading end || figures
                || case
                    when is_missing_told
                        then '; not known for ' || missing || ' of them (' || overall_missing
                            || ' of all applicants)'
                    else ''
                end
        end || '.' as sentence
    from measured
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
    strength,
    trait_rank,
    direction,
    sentence
from worded
