{# A difference smaller than this does not characterize anyone. #}
{% set least_effect = 0.2 %}

with

persona_keys as (
    select * from {{ ref('ml_persona_keys') }}
),

traits as (
    select * from {{ ref('ml_persona_traits') }}
),

phrases as (
    select * from {{ ref('trait_phrases') }}
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

worded as (
    select
        traits.persona_key,
        traits.trait_rank,
        catalog.block,
        coalesce(
            phrases.adjective,
            case traits.direction when 'high' then 'High ' else 'Low ' end
            || replace(traits.feature, '_', ' ')
        ) as adjective,
        coalesce(phrases.noun, 'applicants') as noun,
        coalesce(
            phrases.phrase, traits.direction || ' ' || replace(traits.feature, '_', ' ')
        ) as phrase,
        row_number() over (
            partition by traits.persona_key, catalog.block order by traits.trait_rank
        ) as rank_in_block
    from traits
    inner join catalog on traits.feature = catalog.feature
    left join phrases
        on traits.feature = phrases.feature
        and traits.direction = phrases.direction
    where abs(traits.effect_size) >= {{ least_effect }}
        and traits.share_missing < 0.5
        and not catalog.protected
),

-- Two traits of one block say the same thing twice.
ordered as (
    select
        *,
        row_number() over (partition by persona_key order by trait_rank) as word_rank
    from worded
    where rank_in_block = 1
),

composed as (
    select
        persona_keys.run_id,
        persona_keys.cluster,
        persona_keys.persona_key,
        persona_keys.stability,
        max(case when ordered.word_rank = 1 then ordered.adjective end) as adjective,
        max(case when ordered.word_rank = 2 then ordered.noun end) as noun,
        max(case when ordered.word_rank = 1 then ordered.phrase end) as first_phrase,
        max(case when ordered.word_rank = 2 then ordered.phrase end) as second_phrase,
        max(case when ordered.word_rank = 3 then ordered.phrase end) as third_phrase
    from persona_keys
    left join ordered on persona_keys.persona_key = ordered.persona_key
    group by
        persona_keys.run_id, persona_keys.cluster,
        persona_keys.persona_key, persona_keys.stability
),

named as (
    select
        composed.*,
        coalesce(adjective, 'Typical') || ' ' || coalesce(noun, 'applicants') as short_name
    from composed
),

-- A name that two personas share gets the next trait, then a number.
told_apart as (
    select
        named.*,
        case
            when count(*) over (partition by short_name) > 1 and third_phrase is not null
                then short_name || ' with ' || third_phrase
            else short_name
        end as longer_name
    from named
),

numbered as (
    select
        told_apart.*,
        row_number() over (partition by longer_name order by persona_key) as copy
    from told_apart
),

finished as (
    select
        numbered.*,
        case when copy > 1 then longer_name || ' ' || copy else longer_name end as persona_name
    from numbered
)

select
    run_id,
    persona_key,
    persona_name,
    lower(replace(replace(persona_name, ' ', '-'), ',', '')) as persona_slug,
    'Applicants marked by ' || coalesce(first_phrase, 'no single trait')
    || coalesce(', ' || second_phrase, '') || coalesce(', and ' || third_phrase, '') || '.'
        as description,
    concat_ws('; ', first_phrase, second_phrase, third_phrase) as top_traits,
    stability
from finished
