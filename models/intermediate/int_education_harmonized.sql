with

education as (
    select * from {{ ref('stg_education_records') }}
),

scales as (
    select * from {{ ref('gpa_scales') }}
),

-- Countries with one scale only: there a missing scale is no riddle.
only_scales as (
    select
        country,
        max(scale_max) as scale_max,
        max(scale_min) as scale_min,
        max(direction) as direction
    from scales
    group by country
    having count(*) = 1
),

-- 9 and 99 are grades on longer scales, so beyond their own scale they just exceed it.
number_sentinels as (
    select {{ try_cast('sentinel', 'double') }} as value from {{ ref('sentinels') }}
    where kind = 'number'
),

text_sentinels as (
    select sentinel, kind from {{ ref('sentinels') }}
    where kind in ('text', 'waiver')
),

scaled as (
    select
        education.*,
        coalesce(education.gpa_scale_max, only_scales.scale_max) as scale_max,
        -- Countries whose best grade is the lowest say so by their scale alone.
        coalesce(
            education.gpa_direction, scales.direction,
            case
                when only_scales.direction = 'low_best'
                    and coalesce(education.gpa_scale_max, only_scales.scale_max)
                    <= only_scales.scale_max + 1
                    then 'low_best'
            end,
            -- Who passes with a higher number than the best has a scale that goes down.
            case when education.gpa_scale_pass > education.gpa_scale_max then 'low_best' end,
            'high_best'
        ) as direction,
        case
            when only_scales.direction = 'low_best' then only_scales.scale_max
        end as worst_of_country
    from education
    left join only_scales on education.country = only_scales.country
    left join scales
        on education.country = scales.country
        and education.gpa_scale_max = scales.scale_max
),

-- The best grade of an inverse scale is 1; the scale may be given by it (1.0 with pass 4.0) or by
-- its worst, the largest number (6.0). Else the worst is the country's, or one beyond the pass
-- mark.
bounded as (
    select
        * exclude (scale_max, worst_of_country),
        case
            when direction = 'low_best' and scale_max = 1.0
                then coalesce(worst_of_country, gpa_scale_pass + 1)
            else scale_max
        end as scale_max,
        case when direction = 'low_best' then 1.0 else 0.0 end as scale_min
    from scaled
),

judged as (
    select
        bounded.*,
        case
            when bounded.gpa_value is null and text_sentinels.kind = 'waiver' then 'waived'
            when bounded.gpa_value is null and text_sentinels.kind = 'text' then 'sentinel'
            when bounded.gpa_value is null and bounded.gpa_value_refused is not null
                then 'not_a_number'
            when bounded.gpa_value is null then 'missing_value'
            when bounded.gpa_scale_max = 0 then 'scale_zero'
            when bounded.gpa_scale_max < 0 or bounded.scale_max <= bounded.scale_min
                then 'scale_impossible'
            when bounded.scale_max is null then 'scale_missing'
            when bounded.gpa_value = 0 then 'zero'
            when bounded.gpa_value > bounded.scale_max
                and number_sentinels.value is not null then 'sentinel'
            when bounded.gpa_value > bounded.scale_max then 'exceeds_scale'
            when bounded.gpa_value < 0 and number_sentinels.value is not null then 'sentinel'
            when bounded.gpa_value < bounded.scale_min then 'below_scale'
            when bounded.gpa_scale_max is null then 'scale_inferred'
        end as rule
    from bounded
    left join number_sentinels on bounded.gpa_value = number_sentinels.value
    left join text_sentinels
        on lower(trim(bounded.gpa_value_refused)) = text_sentinels.sentinel
)

select
    education_id,
    person_id,
    country,
    gpa_value,
    scale_max as gpa_scale_max,
    case
        when scale_max > 0 then
            case
                when scale_max = floor(scale_max)
                    then cast(cast(scale_max as bigint) as varchar)
                else cast(scale_max as varchar)
            end || ' ' || direction
    end as gpa_scale_key,
    case
        when rule is null or rule = 'scale_inferred' then
            case
                when direction = 'low_best' then (scale_max - gpa_value) / (scale_max - scale_min)
                else gpa_value / scale_max
            end
    end as gpa_position,
    graduated_on,
    received_at as known_at,
    coalesce(rule, 'scale_inferred') = 'scale_inferred' as is_usable,
    rule
from judged
