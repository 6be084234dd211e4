{# How many of each are read aloud, and from when on one is worth it. #}
{%- set n_traits, n_categories = 5, 3 -%}
{%- set least_strength, least_ratio, least_share = 0.2, 1.25, 0.03 -%}

with

personas as (
    select * from {{ ref('dim_personas') }}
    where is_active
),

applicants as (
    select * from {{ ref('fct_applicant_personas') }}
),

entry_terms as (
    select * from {{ ref('dim_entry_terms') }}
),

traits as (
    select * from {{ ref('rpt_persona_traits') }}
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

rules as (
    select * from {{ ref('rpt_persona_rules') }}
),

categories as (
    select * from {{ ref('rpt_persona_categories') }}
    where not is_suppressed and ratio >= {{ least_ratio }} and share >= {{ least_share }}
),

funnel as (
    select * from {{ ref('rpt_persona_funnel') }}
    where not is_suppressed and n_reached > 0
),

enrollment as (
    select * from {{ ref('rpt_persona_enrollment') }}
    where phase = 'all' and not is_suppressed
),

outcomes as (
    select distinct stages.verb
    from {{ ref('int_phases_ranked') }} as phases
    inner join {{ ref('stages') }} as stages on phases.outcome_stage = stages.stage
    where phases.is_main_outcome
),

last_closed as (
    select max_by(entry_term, term_order) as entry_term
    from entry_terms
    where status = 'closed' and term_order is not null
),

suppressed as (
    select suppressed.* from {{ ref('ml_suppressed_personas') }} as suppressed
    left join entry_terms on suppressed.entry_term = entry_terms.entry_term
    where suppressed.is_suppressed and (suppressed.entry_term = 'all' or entry_terms.is_open)
),

people as (
    select
        applicants.persona_key,
        case
            when applicants.persona_key not in (select persona_key from suppressed)
                then {{ count_where('entry_terms.is_open') }}
        end as n_open,
        {{ count_where('applicants.is_mixed') }} / cast(count(*) as double) as share_mixed
    from applicants
    inner join entry_terms on applicants.entry_term = entry_terms.entry_term
    group by applicants.persona_key
),

-- Scores of one block mostly say the same; of what people do, two say more than one.
told_traits as (
    select
        traits.persona_key,
        traits.trait_rank,
        traits.sentence,
        row_number() over (
            partition by traits.persona_key, catalog.block order by traits.trait_rank
        ) as rank_in_block,
        case when catalog.kind in ('count', 'boolean') then 2 else 1 end as n_of_block
    from traits
    inner join catalog on traits.feature = catalog.feature
    where traits.direction <> 'typical' and traits.strength >= {{ least_strength }}
),

ranked_traits as (
    select
        *,
        row_number() over (partition by persona_key order by trait_rank) as item
    from told_traits
    where rank_in_block <= n_of_block
),

ranked_categories as (
    select
        *,
        row_number() over (partition by persona_key order by category_rank) as item
    from categories
),

funnels as (
    select
        funnel.persona_key,
        max(funnel.entry_term) as entry_term,
        {{ dbt.listagg(
            "replace(funnel.stage, '_', ' ') || ' ' || cast(funnel.n_reached as varchar)",
            "', '", 'order by funnel.stage_rank'
        ) }} as steps
    from funnel
    inner join last_closed on funnel.entry_term = last_closed.entry_term
    group by funnel.persona_key
    having count(*) > 1
),

lines as (
    select persona_key, 1 as topic_rank, 1 as item, 'name' as topic, persona_name as line
    from personas
    union all
    select persona_key, 2, 1, 'description', description
    from personas
    union all
    select
        personas.persona_key, 3, 1, 'size',
        cast(personas.n_applicants as varchar) || ' people, '
        || {{ share_in_words('personas.share') }} || ' of all'
        || case
            when people.n_open > 0
                then '; ' || cast(people.n_open as varchar)
                    || ' of them in a term that is still open'
            else ''
        end || '.'
    from personas
    left join people on personas.persona_key = people.persona_key
    where personas.n_applicants is not null
    union all
    select
        personas.persona_key, 4, 1, 'stability',
        case
            when personas.stability >= 0.85 then 'Very stable'
            when personas.stability >= 0.75 then 'Stable'
            when personas.stability >= 0.6 then 'A pattern whose edges move'
            else 'Uncertain'
        end || ': fits to other samples of applicants agree on '
        || {{ share_in_words('personas.stability') }} || ' of it; '
        || case
            when personas.n_applicants is null then 'too few to tell more.'
            else {{ share_in_words('coalesce(people.share_mixed, 0)') }}
                || ' of them stand between two personas.'
        end
    from personas
    left join people on personas.persona_key = people.persona_key
    where personas.stability is not null
    union all
    select persona_key, 5, item, 'trait', sentence
    from ranked_traits
    where item <= {{ n_traits }}
    union all
    select
        persona_key, 6, 1, 'rule',
        rule_text || case
            when coverage is null or purity is null then ''
            else ' This fits ' || {{ share_in_words('coverage') }}
                || ' of the persona, and '
                || {{ share_in_words('purity') }}
                || ' of those whom it fits are of the persona.'
        end
    from rules
    union all
    select persona_key, 7, item, 'category', sentence
    from ranked_categories
    where item <= {{ n_categories }}
    union all
    select persona_key, 8, 1, 'funnel', 'Reached in ' || entry_term || ': ' || steps || '.'
    from funnels
    union all
    select
        enrollment.persona_key, 9, 1, 'result',
        'Of ' || cast(enrollment.n_population as varchar) || ' who could still ' || outcomes.verb
        || ' in ' || enrollment.entry_term || ', '
        || coalesce({{ figure('round(enrollment.expected_enrollments, 0)') }}
            || ' were expected to and ', '')
        || cast(enrollment.actual_enrollments as varchar) || ' did.'
    from enrollment
    inner join last_closed on enrollment.entry_term = last_closed.entry_term
    cross join outcomes
    where enrollment.actual_enrollments is not null
    union all
    select
        enrollment.persona_key, 10,
        row_number() over (
            partition by enrollment.persona_key
            order by entry_terms.term_order, enrollment.entry_term
        ),
        'outlook',
        'Of ' || cast(enrollment.n_population as varchar) || ' who can still ' || outcomes.verb
        || ' in ' || enrollment.entry_term || ', '
        || {{ figure('round(enrollment.expected_enrollments, 0)') }} || ' ('
        || {{ share_in_words('enrollment.expected_rate') }}
        || ') are expected to.'
    from enrollment
    inner join entry_terms on enrollment.entry_term = entry_terms.entry_term
    cross join outcomes
    where enrollment.is_open and enrollment.expected_enrollments is not null
)

select
    personas.persona_key,
    cast(row_number() over (
        partition by personas.persona_key order by lines.topic_rank, lines.item
    ) as integer) as line_number,
    lines.topic,
    lines.line
from lines
inner join personas on lines.persona_key = personas.persona_key
