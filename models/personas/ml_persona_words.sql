with

features as (
    select
        feature,
        kind,
        {{ within_sentence('label') }} as words
    from {{ ref('stg_feature_catalog') }}
    where role in ('persona', 'both', 'describe')
        and kind <> 'category'
        and not protected
),

phrases as (
    select * from {{ ref('trait_phrases') }}
),

directions as (
    {%- for direction in ['high', 'low', 'missing', 'known'] %}
    select '{{ direction }}' as direction
    {{- ' union all' if not loop.last }}
    {%- endfor %}
),

worded as (
    select
        features.feature,
        directions.direction,
        phrases.adjective,
        phrases.noun,
        coalesce(phrases.phrase, case
            when features.kind = 'boolean' and directions.direction = 'missing'
                then 'no answer on ' || features.words
            when features.kind = 'boolean' and directions.direction = 'known'
                then 'an answer on ' || features.words
            when directions.direction = 'missing' then 'no known ' || features.words
            when directions.direction = 'known'
                then {{ with_article("('known ' || features.words)", 'a') }}
            when features.kind = 'boolean' and directions.direction = 'high'
                then {{ with_article('features.words', 'a') }}
            when features.kind = 'boolean' then 'no ' || features.words
            when features.kind = 'count'
                then case directions.direction when 'high' then 'many ' else 'few ' end
                    || features.words
            else {{ with_article("(directions.direction || ' ' || features.words)", 'a') }}
        end) as phrase
    from features
    cross join directions
    left join phrases
        on features.feature = phrases.feature
        and directions.direction = phrases.direction
)

select
    feature,
    direction,
    adjective,
    noun,
    phrase,
    case
        when phrase like 'no %' then 'without ' || substr(phrase, 4)
        else 'with ' || phrase
    end as name_ending
from worded
