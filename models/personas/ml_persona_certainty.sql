-- depends_on: {{ ref('ml_persona_columns') }}
-- depends_on: {{ ref('stg_feature_catalog') }}
-- depends_on: {{ ref('ml_persona_centroids') }}
{%- set columns = persona_columns() %}
{%- set numbers, blocks = {}, {} %}
{%- for column in columns %}
    {%- do numbers.update({column.column_name: loop.index}) %}
    {%- do blocks.setdefault(column.block, []).append(column) %}
{%- endfor %}
{%- set centers = centers_by_key(fitted_rows('ml_persona_centroids', order_by='persona_key')) %}

with

assignments as (
    select * from {{ ref('ml_persona_assignments') }}
    where is_persona_snapshot and is_primary
),

persona_keys as (
    select * from {{ ref('ml_persona_keys') }}
),

stabilities as (
    select * from {{ ref('ml_persona_stability') }}
),

words as (
    select * from {{ ref('ml_persona_words') }}
),

filled as (
    select
        application_id,
        known_on
        {{- filled_columns(columns) }}
    from {{ ref('ml_persona_space') }}
    where is_persona_snapshot and is_primary
),

placed as (
    select
        filled.*,
        assignments.persona_key,
        assignments.distance,
        case assignments.persona_key
            {%- for key in centers %}
            when '{{ key }}' then {{ loop.index }}
            {%- else %}
            when '' then 0
            {%- endfor %}
        end as persona_number
    from filled
    inner join assignments
        on filled.application_id = assignments.application_id
        and filled.known_on = assignments.known_on
),

-- How much nearer each column brings an applicant to the persona than to the average.
measured as (
    select
        application_id,
        known_on,
        persona_key,
        persona_number,
        distance
        {%- for column in columns %},
        {{ column.column_name }},
        {{ nearer_by(column, centers) }} as {{ column.column_name }}__nearer
        {%- endfor %}
    from placed
),

-- Columns of one block say nearly the same, so each block speaks by the strongest of its own.
by_block as (
    select
        application_id,
        known_on,
        persona_key,
        distance
        {%- for columns_of_block in blocks.values() %},
        {{ block_strength(columns_of_block) }} as strength_{{ loop.index }},
        {{ block_code(columns_of_block, numbers) }} as code_{{ loop.index }}
        {%- endfor %}
    from measured
),

ranked as (
    select
        by_block.*
        {%- for block in blocks %},
        {{ blocks_before(loop.index, blocks | length) }} as before_{{ loop.index }}
        {%- endfor %}
    from by_block
),

coded as (
    select
        application_id,
        known_on,
        persona_key,
        distance
        {%- for place in range(3) %},
        case {{ place }}
            {%- for block in blocks %}
            when before_{{ loop.index }} then code_{{ loop.index }}
            {%- else %}
            when -1 then 0
            {%- endfor %}
        end as code_of_trait_{{ place + 1 }}
        {%- endfor %}
    from ranked
),

phrases as (
    {{ trait_phrases_by_code(columns) }}
),

told as (
    select
        phrases.code,
        case when phrases.speaks_for then '' else 'despite ' end
        || coalesce(phrases.level_phrase, words.phrase) as phrase
    from phrases
    left join words
        on phrases.feature = words.feature
        and phrases.direction = words.direction
)

select
    coded.application_id,
    coded.known_on,
    round(stabilities.stability, 9) as stability,
    coded.distance > persona_keys.far as fits_no_persona,
    told_1.phrase as trait_1,
    told_2.phrase as trait_2,
    told_3.phrase as trait_3
from coded
inner join stabilities
    on coded.application_id = stabilities.application_id
    and coded.known_on = stabilities.known_on
inner join persona_keys on coded.persona_key = persona_keys.persona_key
{%- for place in [1, 2, 3] %}
left join told as told_{{ place }} on coded.code_of_trait_{{ place }} = told_{{ place }}.code
{%- endfor %}
