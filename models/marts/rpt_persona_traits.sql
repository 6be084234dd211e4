-- depends_on: {{ ref('concordance_english') }}
with

traits as (
    select * from {{ ref('ml_persona_traits') }}
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

suppressed_personas as (
    select * from {{ ref('ml_suppressed_personas') }}
    where entry_term = 'all'
),

cells as (
    select *, n_observed as n from traits
),

decided as (
    {{ suppressed_cells('cells', ['feature'], column='persona_key') }}
),

labeled as (
    select
        traits.*,
        catalog.label,
        catalog.kind,
        catalog.unit,
        {{ plain_heading('catalog.label') }} || ': ' as heading,
        coalesce(suppressed_personas.is_suppressed, false) as is_persona_hidden,
        traits.is_suppressed or coalesce(suppressed_personas.is_suppressed, false)
            as is_hidden,
        {{ share_in_words('traits.share_missing') }} as missing,
        {{ share_in_words('traits.overall_share_missing') }} as overall_missing,
        {{ share_in_words('1 - traits.share_missing') }} as known,
        {{ share_in_words('1 - traits.overall_share_missing') }} as overall_known,
        -- A tenth, or a difference of as much, is what a reader has to know.
        traits.share_missing >= 0.1
        or abs(traits.share_missing - traits.overall_share_missing) >= 0.1 as is_missing_told
    from decided as traits
    inner join catalog on traits.feature = catalog.feature
    left join suppressed_personas on traits.persona_key = suppressed_personas.persona_key
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
            when is_persona_hidden then heading || 'of too few to tell'
            when n_observed = 0 then heading || 'not known for anyone'
            when direction = 'missing'
                then heading || 'not known for ' || missing || ' of them, against '
                    || overall_missing || ' of all applicants'
            when is_hidden then heading || 'known for too few to tell'
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
    case when not is_hidden then mean end as mean,
    case when not is_hidden then lower_quartile end as lower_quartile,
    case when not is_hidden then upper_quartile end as upper_quartile,
    overall_mean,
    case when not is_hidden then z_difference end as z_difference,
    case when not is_hidden then effect_size end as effect_size,
    case when not is_persona_hidden then share_missing end as share_missing,
    overall_share_missing,
    case when not is_hidden then strength end as strength,
    trait_rank,
    direction,
    sentence
from worded
