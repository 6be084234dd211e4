{{ config(materialized='table') }}

with

shipped as (
    select *, {{ code_key('code') }} as code_key
    from ({{ crosswalk_rows('shipped') }}) as seeds
),

channels as (
    select distinct channel from shipped
    where channel is not null
),

brought as (
    select * from ({{ crosswalk_rows('user') }}) as tables
),

-- What a row of the user maps to may be any code that is shipped for the set: Admit is admitted.
resolved as (
    select
        brought.origin,
        brought.crosswalk,
        coalesce(known.code_set, brought.code_set) as code_set,
        {{ code_key('brought.code') }} as code_key,
        brought.code,
        brought.value as value_given,
        case
            when brought.code_set = 'program' then brought.value
            when known.value is not null then known.value
            when brought.code_set = 'interaction_type' and channels.channel is not null
                then replace({{ code_key('brought.value') }}, ' ', '_')
        end as value,
        case when brought.channel is null then known.channel else channels.channel end as channel,
        case
            when brought.code_set = 'interaction_type'
                then coalesce(brought.weight, known.weight, 1)
        end as weight,
        brought.is_refused or (brought.channel is not null and channels.channel is null)
            as is_refused
    from brought
    left join shipped as known
        on {{ code_key('brought.code_set') }} = {{ code_key('known.code_set') }}
        and {{ code_key('brought.value') }} = known.code_key
    left join channels on {{ code_key('brought.channel') }} = {{ code_key('channels.channel') }}
),

meanings as (
    select
        *,
        case
            when value_given is not null
                then coalesce(value, value_given) || '|' || coalesce(channel, '') || '|'
                    || coalesce(cast(weight as varchar), '')
        end as meaning
    from resolved
),

compared as (
    select
        *,
        min(meaning) over (partition by code_set, code_key)
        <> max(meaning) over (partition by code_set, code_key) as is_ambiguous,
        row_number() over (partition by code_set, code_key, meaning order by code) as copy
    from meanings
),

-- Any filled row of the user takes the place of the shipped one, though it be unusable: what was
-- meant is not guessed.
overridden as (
    select distinct code_set, code_key from meanings
    where meaning is not null
)

select
    origin, crosswalk, code_set, code_key, code, value_given, value, channel, weight,
    case
        when code_key is null or code_set is null then 'missing_key'
        when value_given is null then 'missing_value'
        when is_refused or value is null or weight not between 0 and 1 then 'unknown_value'
        when is_ambiguous then 'ambiguous_code'
        when copy > 1 then 'duplicate_key'
    end as diverted_by
from compared
union all
select
    shipped.origin, shipped.crosswalk, shipped.code_set, shipped.code_key, shipped.code,
    shipped.value as value_given, shipped.value, shipped.channel, shipped.weight,
    case when overridden.code_key is not null then 'overridden' end as diverted_by
from shipped
left join overridden
    on shipped.code_set = overridden.code_set
    and shipped.code_key = overridden.code_key
