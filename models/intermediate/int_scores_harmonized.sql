with

scores as (
    select
        *,
        coalesce(test_date, cast(received_at as date)) as known_on,
        case
            when test_code in ('gre') then 'gre'
            when test_code in ('gmat', 'gmat_focus') then 'gmat'
            when test_code = 'other' then 'other'
            else 'english'
        end as family
    from {{ ref('stg_test_scores') }}
),

scales as (
    select * from {{ ref('test_scales') }}
),

scaled_components as (
    select distinct test_code, component from scales
),

number_sentinels as (
    select
        {{ try_cast('sentinel', 'double') }} as value,
        kind
    from {{ ref('sentinels') }}
    where kind in ('number', 'short_number')
),

text_sentinels as (
    select sentinel, kind from {{ ref('sentinels') }}
    where kind in ('text', 'waiver')
),

-- Every scale on which a value of this field, of this day, may be meant.
readings as (
    select
        scores.score_id,
        scales.scale_code,
        scales.decision,
        scales.rule,
        -- Only a day can tell that a scale of a later time is meant.
        scales.valid_from is not null and scales.decision <> 'refused'
        and scores.known_on is null and scores.scale_code is null as needs_day,
        abs(
            (scores.value - scales.step_offset) / scales.step
            - round((scores.value - scales.step_offset) / scales.step)
        ) < 1e-9 as is_on_step
    from scores
    inner join scales
        on scores.test_code = scales.test_code
        and scores.component = scales.component
        and scores.value between scales.score_min and scales.score_max
    where (scores.scale_code is null or scores.scale_code = scales.scale_code)
        and (scales.valid_from is null or scores.known_on is null
            or scores.known_on >= scales.valid_from)
        and (scales.valid_to is null or scores.test_date is null
            or scores.test_date <= scales.valid_to)
),

fits as (
    select
        score_id,
        count(case when is_on_step then scale_code end) as n_scales,
        min(case when is_on_step then scale_code end) as scale_code
    from readings
    group by score_id
),

sitting_scales as (
    select distinct
        scores.person_id,
        scores.test_code,
        scores.test_date,
        scores.component,
        fits.scale_code
    from scores
    inner join fits on scores.score_id = fits.score_id and fits.n_scales = 1
),

-- A value that fits two scales is read on the one that another part of the same sitting is on.
resolved as (
    select
        fits.score_id,
        min(readings.scale_code) as scale_code
    from fits
    inner join scores on fits.score_id = scores.score_id
    inner join readings on fits.score_id = readings.score_id and readings.is_on_step
    inner join sitting_scales
        on scores.person_id = sitting_scales.person_id
        and scores.test_code = sitting_scales.test_code
        and scores.test_date is not distinct from sitting_scales.test_date
        and scores.component <> sitting_scales.component
        and readings.scale_code = sitting_scales.scale_code
    where fits.n_scales > 1
    group by fits.score_id
    having min(readings.scale_code) = max(readings.scale_code)
),

chosen as (
    select
        fits.score_id,
        fits.n_scales,
        case
            when fits.n_scales = 1 then fits.scale_code
            else resolved.scale_code
        end as scale_code
    from fits
    left join resolved on fits.score_id = resolved.score_id
),

judged as (
    select
        scores.*,
        readings.scale_code as scale_read,
        case
            when scores.value is null and text_sentinels.kind = 'waiver' then 'waived'
            when scores.value is null and text_sentinels.kind = 'text' then 'sentinel'
            when scores.value is null and scores.value_refused is not null then 'not_a_number'
            when scores.value is null then 'missing_value'
            when scores.component is null then 'unknown_component'
            when scaled_components.test_code is null then 'no_scale'
            when readings.decision = 'refused' then readings.rule
            when readings.needs_day then 'undated_scale'
            when readings.scale_code is not null
                and scores.status in ('cancelled', 'revoked', 'discrepancy')
                then 'status_' || scores.status
            when readings.scale_code is not null then readings.rule
            when chosen.n_scales > 1 then 'ambiguous_scale'
            when number_sentinels.kind = 'number' then 'sentinel'
            when scores.family = 'gre' and scores.component in ('verbal', 'quant')
                and chosen.score_id is null then 'on_neither_scale'
            when scores.value = 0 then 'zero'
            when number_sentinels.kind = 'short_number' then 'sentinel'
            when chosen.score_id is not null then 'off_step'
            else 'out_of_scale'
        end as rule,
        coalesce(readings.decision, 'refused') <> 'refused'
        and not readings.needs_day
        and coalesce(scores.status, 'none') not in ('cancelled', 'revoked', 'discrepancy')
            as is_usable
    from scores
    left join chosen on scores.score_id = chosen.score_id
    left join readings
        on chosen.score_id = readings.score_id
        and chosen.scale_code = readings.scale_code
        and readings.is_on_step
    left join scaled_components
        on scores.test_code = scaled_components.test_code
        and scores.component = scaled_components.component
    left join number_sentinels on scores.value = number_sentinels.value
    left join text_sentinels on lower(trim(scores.value_refused)) = text_sentinels.sentinel
),

-- Ranges of the tables are lines between their ends, single scores are the middle of theirs.
anchors as (
    select
        scale_code, valid_from, valid_to,
        cast(score_min as double) as score,
        case
            when score_min = score_max then (toefl_ibt_min + toefl_ibt_max) / 2.0
            else toefl_ibt_min
        end as level
    from {{ ref('concordance_english') }}
    where is_default
    union all
    select
        scale_code, valid_from, valid_to,
        cast(score_max as double) as score,
        toefl_ibt_max as level
    from {{ ref('concordance_english') }}
    where is_default and score_max > score_min
),

segments as (
    select
        *,
        lead(score) over (
            partition by scale_code, valid_from, valid_to order by score
        ) as next_score,
        lead(level) over (
            partition by scale_code, valid_from, valid_to order by score
        ) as next_level
    from anchors
),

english as (
    select
        judged.score_id,
        round(
            segments.level + coalesce(
                (judged.value - segments.score) * (segments.next_level - segments.level)
                / (segments.next_score - segments.score), 0
            ), 2
        ) as english_level
    from judged
    inner join segments
        on judged.scale_read = segments.scale_code
        and judged.value >= segments.score
        and (judged.value < segments.next_score
            or (segments.next_score is null and judged.value = segments.score))
    where judged.is_usable
        and judged.family = 'english'
        and judged.component = 'total'
        and (segments.valid_from is null or judged.known_on is null
            or judged.known_on >= segments.valid_from)
        and (segments.valid_to is null
            or coalesce(judged.test_date, current_date) <= segments.valid_to)
),

cefr_bands as (
    select
        cefr,
        toefl_ibt_min,
        lead(toefl_ibt_min) over (order by toefl_ibt_min) as next_min
    from {{ ref('cefr_bands') }}
)

select
    judged.score_id,
    judged.person_id,
    judged.family,
    judged.test_code,
    judged.component,
    judged.value as raw_value,
    case
        when not judged.is_usable then null
        when judged.scale_read = 'gre_200_800' then cast(concordance_gre.current_score as double)
        else judged.value
    end as value,
    english.english_level,
    cefr_bands.cefr,
    case
        when judged.is_usable and judged.scale_read = 'gre_200_800' then 'gre_130_170'
        else judged.scale_read
    end as scale_code,
    judged.test_date,
    {{ known_at('judged.received_at', 'cast(judged.test_date as timestamp)') }} as known_at,
    cast(case
        when judged.family = 'english' then {{ dbt.dateadd('year', 2, 'judged.test_date') }}
        when judged.family in ('gre', 'gmat') then {{ dbt.dateadd('year', 5, 'judged.test_date') }}
    end as date) as expires_on,
    judged.status,
    judged.is_usable,
    judged.rule
from judged
left join english on judged.score_id = english.score_id
left join cefr_bands
    on english.english_level >= cefr_bands.toefl_ibt_min
    and (english.english_level < cefr_bands.next_min or cefr_bands.next_min is null)
left join {{ ref('concordance_gre') }} as concordance_gre
    on judged.scale_read = 'gre_200_800'
    and judged.component = concordance_gre.component
    and judged.value = concordance_gre.prior_score
