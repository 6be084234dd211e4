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

-- Shares are of all people, whether or not the level is known of them.
totaled as (
    select
        *,
        sum(n) over (partition by persona_key, feature) as n_persona,
        sum(n) over (partition by feature) as n_everyone,
        sum(n) over (partition by feature, level) as n_level
    from counted
),

compared as (
    select
        *,
        n < {{ var('min_cell') }} as is_suppressed,
        n / cast(n_persona as double) as share,
        n_level / cast(n_everyone as double) as overall_share
    from totaled
    where level is not null and n_level >= {{ var('min_cell') }}
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
    is_suppressed,
    case when not is_suppressed then cast(n as bigint) end as n,
    case when not is_suppressed then round(share, 9) end as share,
    round(overall_share, 9) as overall_share,
    case when not is_suppressed then round(ratio, 9) end as ratio,
    cast(row_number() over (
        partition by persona_key
        order by is_suppressed asc, round(abs(effect), 9) desc, feature asc, level asc
    ) as integer) as category_rank,
    case
        when is_suppressed then words || ': too few in this persona to tell.'
        else words || ': ' || {{ share_in_words('share') }} || ' of them, against '
            || {{ share_in_words('overall_share') }} || ' of all applicants.'
    end as sentence
from worded
