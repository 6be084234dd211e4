{# A level that no code has. #}
{%- set unknown = ' unknown' -%}
-- depends_on: {{ ref('stg_feature_catalog') }}
{%- set features = catalog_features(
    roles=['persona', 'enrollment', 'both', 'describe'], kinds=['category']
) | rejectattr('protected') | list %}

with

applicants as (
    select * from {{ ref('ftr_applicants') }}
    where is_persona_snapshot and is_primary
),

assignments as (
    select * from {{ ref('ml_persona_assignments') }}
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

programs as (
    select * from {{ ref('stg_programs') }}
),

phrases as (
    select * from {{ ref('reason_phrases') }}
),

assigned as (
    select
        assignments.run_id,
        assignments.persona_key
        {%- for feature in features %},
        applicants.{{ feature.feature }}
        {%- endfor %}
    from applicants
    inner join assignments
        on applicants.application_id = assignments.application_id
        and applicants.known_on = assignments.known_on
),

counted as (
    {% for feature in features -%}
    select
        run_id,
        persona_key,
        {{ sql_string(feature.feature) }} as feature,
        {{ feature.feature }} as level,
        count(*) as n
    from assigned
    group by run_id, persona_key, {{ feature.feature }}
    {{ 'union all' if not loop.last }}
    {% else -%}
    select
        run_id, persona_key, cast(null as varchar) as feature,
        cast(null as varchar) as level, cast(null as bigint) as n
    from assigned
    where false
    {% endfor %}
),

viewed as (
    select run_id, persona_key, feature, coalesce(level, '{{ unknown }}') as level, n from counted
    union all
    select run_id, 'all' as persona_key, feature, coalesce(level, '{{ unknown }}') as level, n
    from counted
    union all
    select run_id, persona_key, feature, 'all' as level, n from counted
    union all
    select run_id, 'all' as persona_key, feature, 'all' as level, n from counted
),

totaled as (
    select
        run_id,
        persona_key,
        feature,
        level,
        sum(n) as n
    from viewed
    group by run_id, persona_key, feature, level
),

-- Shares are of all people, whether or not the level is known of them.
cells as (
    select
        personas.run_id,
        personas.persona_key,
        levels.feature,
        levels.level,
        coalesce(totaled.n, 0) as n,
        personas.n as n_persona,
        everyone.n as n_everyone,
        levels.n as n_level
    from totaled as levels
    inner join totaled as personas
        on levels.feature = personas.feature
        and personas.level = 'all'
    inner join totaled as everyone
        on levels.feature = everyone.feature
        and everyone.level = 'all'
        and everyone.persona_key = 'all'
    left join totaled
        on levels.feature = totaled.feature
        and levels.level = totaled.level
        and personas.persona_key = totaled.persona_key
    where levels.persona_key = 'all'
),

decided as (
    {{ suppressed_cells('cells', ['feature'], column='persona_key', row='level') }}
),

suppressed_personas as (
    select * from {{ ref('ml_suppressed_personas') }}
    where entry_term = 'all'
),

suppressed_levels as (
    select feature, level from decided
    where persona_key = 'all' and is_suppressed
),

compared as (
    select
        decided.*,
        decided.is_suppressed or coalesce(suppressed_personas.is_suppressed, false)
            as is_hidden,
        decided.n / cast(decided.n_persona as double) as share,
        decided.n_level / cast(decided.n_everyone as double) as overall_share
    from decided
    left join suppressed_personas on decided.persona_key = suppressed_personas.persona_key
    left join suppressed_levels
        on decided.feature = suppressed_levels.feature
        and decided.level = suppressed_levels.level
    where decided.persona_key <> 'all'
        and decided.level not in ('all', '{{ unknown }}')
        and suppressed_levels.level is null
),

weighed as (
    select
        *,
        share / overall_share as ratio,
        (share - overall_share) / nullif(sqrt(overall_share * (1 - overall_share)), 0) as effect
    from compared
),

worded as (
    select
        weighed.*,
        catalog.label,
        case
            when catalog.source_column like '%.program_code'
                then 'Program ' || coalesce(programs.program_name, weighed.level)
            else coalesce(
                phrases.phrase, catalog.label || ' ' || replace(weighed.level, '_', ' ')
            )
        end as words
    from weighed
    inner join catalog on weighed.feature = catalog.feature
    left join phrases
        on weighed.feature = phrases.feature
        and weighed.level = phrases.feature_value
    left join programs on weighed.level = programs.program_code
)

select
    run_id,
    persona_key,
    feature,
    label,
    level,
    is_hidden as is_suppressed,
    case when not is_hidden then cast(n as bigint) end as n,
    case when not is_hidden then round(share, 9) end as share,
    round(overall_share, 9) as overall_share,
    case when not is_hidden then round(ratio, 9) end as ratio,
    cast(row_number() over (
        partition by persona_key
        order by is_hidden asc, round(abs(effect), 9) desc, feature asc, level asc
    ) as integer) as category_rank,
    case
        when is_hidden then words || ': too few in this persona to tell.'
        else words || ': ' || {{ share_in_words('share') }} || ' of them, against '
            || {{ share_in_words('overall_share') }} || ' of all applicants.'
    end as sentence
from worded
where n > 0 or is_hidden
