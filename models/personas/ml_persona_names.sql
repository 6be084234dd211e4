{# A difference smaller than this does not characterize anyone. #}
{%- set least_effect = 0.2 -%}
{# A name stays while the traits that made it are among so many strongest. #}
{%- set strongest = 6 -%}
{%- set typical = 'Typical applicants' -%}
{# The traits that a name is tried with, by their rank, the best name first. #}
{%- set tries = [[1, 2], [1, 3], [2, 3], [1, 4], [1, 2, 3], [1, 2, 4], [2, 3, 4]] -%}

with

all_keys as (
    select * from {{ ref('ml_persona_keys') }}
),

persona_keys as (
    select * from all_keys
    where is_active
),

given as (
    select * from {{ ref('stg_persona_names') }}
),

traits as (
    select * from {{ ref('ml_persona_traits') }}
    where strength >= {{ least_effect }} and direction <> 'typical'
),

words as (
    select * from {{ ref('ml_persona_words') }}
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }} as feature_catalog
    where role in ('persona', 'both') and barred_from_personas is null
        and not {{ is_demographic('feature_catalog') }}
),

stored as (
    {{ stored_columns('ml_persona_names', {
        'persona_key': 'varchar', 'persona_name': 'varchar', 'name_source': 'varchar',
        'named_by': 'varchar', 'description': 'varchar', 'top_traits': 'varchar',
        'stability': 'double',
    }) }}
),

worded as (
    select
        traits.persona_key,
        traits.feature || ' ' || traits.direction as trait,
        catalog.block,
        traits.strength,
        words.adjective,
        words.noun,
        words.phrase,
        words.name_ending,
        row_number() over (partition by traits.persona_key order by traits.trait_rank)
            as trait_rank,
        row_number() over (
            partition by traits.persona_key, catalog.block order by traits.trait_rank
        ) as rank_in_block
    from traits
    inner join catalog on traits.feature = catalog.feature
    inner join words
        on traits.feature = words.feature
        and traits.direction = words.direction
    -- Who has to prove their English is a question of where they come from.
    where not (catalog.block = 'english' and traits.direction in ('missing', 'known'))
),

-- Two traits of one block say the same thing twice.
ordered as (
    select
        *,
        row_number() over (partition by persona_key order by trait_rank) as word_rank
    from worded
    where rank_in_block = 1
),

described as (
    select
        persona_keys.run_id,
        persona_keys.persona_key,
        persona_keys.stability,
        {%- for rank in [1, 2, 3, 4] %}
        {%- for column in ['trait', 'adjective', 'noun', 'phrase', 'name_ending'] %}
        max(case when ordered.word_rank = {{ rank }} then ordered.{{ column }} end)
            as {{ column }}_{{ rank }},
        {%- endfor %}
        {%- endfor %}
        coalesce(max(ordered.strength), 0) as strength
    from persona_keys
    left join ordered on persona_keys.persona_key = ordered.persona_key
    group by persona_keys.run_id, persona_keys.persona_key, persona_keys.stability
),

still_true as (
    select
        stored.persona_key,
        stored.persona_name,
        stored.named_by
    from stored
    inner join worded
        on stored.persona_key = worded.persona_key
        and ', ' || stored.named_by || ',' like '%, ' || worded.trait || ',%'
    where stored.name_source in ('traits', 'kept') and worded.trait_rank <= {{ strongest }}
    group by stored.persona_key, stored.persona_name, stored.named_by
    having count(*)
        = 1 + length(stored.named_by) - length(replace(stored.named_by, ',', ''))
),

-- The user's name first, then the one that people know, then new ones; a number at last.
candidates as (
    select persona_key, -1 as try, 'given' as name_source, persona_name, persona_key as named_by
    from given
    where persona_name is not null
    union all
    select persona_key, 0 as try, 'kept' as name_source, persona_name, named_by from still_true
    {%- for ranks in tries %}
    {%- set traits = [] %}
    {%- for rank in ranks %}{% do traits.append('trait_' ~ rank) %}{% endfor %}
    union all
    select
        persona_key,
        {{ loop.index }} as try,
        'traits' as name_source,
        {{ persona_name(ranks) }} as persona_name,
        {% if loop.first -%}
        case
            when trait_2 is null then trait_1
            else least(trait_1, trait_2) || ', ' || greatest(trait_1, trait_2)
        end
        {%- elif traits | length == 2 -%}
        least({{ traits | join(', ') }}) || ', ' || greatest({{ traits | join(', ') }})
        {%- else -%}
        {{ traits | join(" || ', ' || ") }}
        {%- endif %} as named_by
    from described
    where {{ traits[0 if loop.first else -1] }} is not null
    {%- endfor %}
    union all
    select
        persona_key, 1 as try, 'number' as name_source, '{{ typical }}' as persona_name,
        persona_key as named_by
    from described
    where trait_1 is null
    union all
    select
        persona_key,
        {{ tries | length + 1 }} as try,
        'number' as name_source,
        case when trait_1 is null then '{{ typical }}' else {{ persona_name([1, 2]) }} end
        || ' ' || cast(row_number() over (order by persona_key) as varchar) as persona_name,
        persona_key as named_by
    from described
),

-- A name, and the traits that it tells, belong to whom they suit first; so all names differ.
owned as (
    select
        candidates.*,
        {%- for column, owner in [('persona_name', 'name_owner'), ('named_by', 'traits_owner')] %}
        first_value(candidates.persona_key) over (
            partition by candidates.{{ column }}
            order by candidates.try asc, described.strength desc, candidates.persona_key asc
        ) as {{ owner }}{{ ',' if not loop.last }}
        {%- endfor %}
    from candidates
    inner join described on candidates.persona_key = described.persona_key
),

chosen as (
    select
        *,
        row_number() over (partition by persona_key order by try) as choice
    from owned
    where name_owner = persona_key and traits_owner = persona_key
),

named as (
    select
        described.*,
        chosen.persona_name,
        chosen.name_source,
        chosen.named_by,
        given.description as given_description,
        {{ slug('chosen.persona_name') }} as slug
    from described
    inner join chosen on described.persona_key = chosen.persona_key and chosen.choice = 1
    left join given on described.persona_key = given.persona_key
),

present as (
    select
        run_id,
        persona_key,
        persona_name,
        case
            when slug = '' or count(*) over (partition by slug) > 1
                then slug || case when slug = '' then '' else '-' end || {{ slug('persona_key') }}
            else slug
        end as persona_slug,
        coalesce(given_description, case
            when phrase_1 is null then 'Applicants near the average in all that is known of them.'
            else 'Applicants with ' || phrase_1 || case
                when phrase_3 is not null then ', ' || phrase_2 || ' and ' || phrase_3
                else coalesce(' and ' || phrase_2, '')
            end || '.'
        end) as description,
        concat_ws('; ', phrase_1, phrase_2, phrase_3) as top_traits,
        name_source,
        named_by,
        stability
    from named
),

-- A retired persona is still called what people knew it by; an active one may have the name now.
retired as (
    select
        all_keys.run_id,
        all_keys.persona_key,
        case
            when stored.persona_name like '% (retired %' then stored.persona_name
            else stored.persona_name || ' (retired ' || all_keys.persona_key || ')'
        end as persona_name,
        stored.description,
        stored.top_traits,
        stored.name_source,
        stored.named_by,
        stored.stability
    from stored
    inner join all_keys on stored.persona_key = all_keys.persona_key
    where not all_keys.is_active
)

select
    run_id, persona_key, persona_name, persona_slug, description, top_traits, name_source,
    named_by, stability
from present
union all
select
    run_id, persona_key, persona_name, {{ slug('persona_name') }} as persona_slug, description,
    top_traits, name_source, named_by, stability
from retired
