-- depends_on: {{ ref('stg_feature_catalog') }}
-- depends_on: {{ ref('stg_persons') }}
-- depends_on: {{ ref('stg_programs') }}
{% set keys = reviewed_keys() -%}
{%- set dates = checked_dates() -%}
{%- set recordings = recorded_columns() -%}
{%- set required_values = {'applications': 'program_code', 'interactions': 'interaction_type'} -%}
{%- set people = {
    'entry_terms': 'cast(null as varchar)', 'programs': 'cast(null as varchar)',
    'stage_events': 'cast(null as varchar)',
} -%}

with

-- One pass over each table: the rows in which anything but a score or a grade may be wrong.
-- Erased people are left out, and copies of a row that stayed speak through that row.
{% for table, key in keys.items() -%}
suspect_{{ table }} as (
    select
        {{ key }} as row_key,
        {{ people.get(table, 'surviving_person_id') }} as issue_person_id,
        reviewed.*
    from {{ ref('stg_' ~ table ~ '_reviewed') }} as reviewed
    where (
            diverted_by is null
            or diverted_by in (
                'missing_key', 'unmapped_stage', 'missing_entry_term', 'sentinel_date'
            )
        )
        and (
            _refused is not null
            {%- for column in dates.get(table, []) %}
            or ({{ column }} is not null and {{ real_date(column) }} is null)
            {%- endfor %}
            {%- if table in recordings %}
            or {{ is_recorded_early(*recordings[table]) }}
            {%- endif %}
        )
),

{% endfor -%}
untyped as (
    {%- for table in keys %}
    select
        '{{ table }}' as table_name,
        row_key,
        issue_person_id as person_id,
        column_name,
        raw_value
    from ({{ refused_rows('suspect_' ~ table, 'row_key, issue_person_id') }}) as refused_{{ table }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

text_sentinels as (
    select sentinel, kind from {{ ref('sentinels') }} where kind in ('text', 'waiver')
),

number_sentinels as (
    select {{ try_cast('sentinel', 'double') }} as value from {{ ref('sentinels') }}
    where kind in ('number', 'short_number')
),

untyped_judged as (
    select
        untyped.table_name,
        untyped.row_key,
        untyped.person_id,
        untyped.column_name,
        untyped.raw_value,
        case
            when untyped.raw_value is null then 'names_erased'
            when text_sentinels.kind = 'waiver' then 'waived'
            when text_sentinels.kind = 'text' then 'sentinel'
            when number_sentinels.value is not null then 'sentinel'
            when columns.data_type = 'double' and untyped.number is null then 'not_a_number'
            when columns.data_type = 'integer'
                and (untyped.number is null or untyped.number <> floor(untyped.number))
                then 'not_a_whole_number'
            when columns.data_type in ('double', 'integer') then 'out_of_range'
            -- Only native dates have years that long.
            when columns.data_type in ('date', 'timestamp')
                and {{ matches('untyped.raw_value', '^[0-9]{5,}-|BC') }}
                then 'out_of_range'
            else 'not_a_' || columns.data_type
        end as rule,
        cast(null as varchar) as value_used
    from (
        select
            untyped.*,
            {{ try_cast('untyped.raw_value', 'double') }} as number
        from untyped
    ) as untyped
    left join {{ ref('input__columns') }} as columns
        on untyped.table_name = columns.table_name
        and untyped.column_name = columns.column_name
    left join text_sentinels on lower(trim(untyped.raw_value)) = text_sentinels.sentinel
    left join number_sentinels
        on untyped.number = number_sentinels.value
        and columns.data_type in ('double', 'integer')
    -- Scores and grades are judged below, with their scales.
    where not (untyped.table_name = 'test_scores' and untyped.column_name = 'value')
        and not (untyped.table_name = 'education_records' and untyped.column_name = 'gpa_value')
        and not (
            untyped.table_name = 'education_records'
            and untyped.column_name = 'gpa_scale_max'
            and untyped.row_key in (
                select education_id from {{ ref('int_education_harmonized') }}
                where rule like 'scale!_%' escape '!'
            )
        )
),

-- A row that stays without a value that the contract requires.
blank as (
    {%- for table, column in required_values.items() %}
    select
        '{{ table }}' as table_name,
        {{ keys[table] }} as row_key,
        surviving_person_id as person_id,
        '{{ column }}' as column_name,
        cast(null as varchar) as raw_value,
        'missing_value' as rule,
        cast(null as varchar) as value_used
    from {{ ref('stg_' ~ table ~ '_reviewed') }}
    where diverted_by is null and {{ column }} is null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

fields as (
    select * from {{ ref('int_fields_judged') }}
),

-- Once for a field as a whole.
off_scale_fields as (
    select
        table_name,
        'all rows' as row_key,
        cast(null as varchar) as person_id,
        column_name,
        'from ' || cast(least_value as varchar) || ' to ' || cast(largest_value as varchar)
            as raw_value,
        'field_off_scale' as rule,
        cast(null as varchar) as value_used
    from fields
    where not fits_its_scale
),

off_scale_intent as (
    select
        'interactions' as table_name,
        interactions.interaction_id as row_key,
        interactions.person_id,
        'value_numeric' as column_name,
        cast(interactions.value_numeric as varchar) as raw_value,
        case
            when number_sentinels.value is null then 'out_of_range' else 'sentinel'
        end as rule,
        cast(null as varchar) as value_used
    from {{ ref('stg_interactions') }} as interactions
    inner join fields on fields.table_name = 'interactions' and fields.fits_its_scale
    left join number_sentinels on interactions.value_numeric = number_sentinels.value
    where interactions.interaction_type = 'intent_survey'
        and interactions.value_numeric not between {{ intent_scale() | join(' and ') }}
),

unreal_dates as (
    {%- for table, columns in dates.items() %}
    {%- set outer_loop = loop %}
    {%- for column in columns %}
    select
        '{{ table }}' as table_name,
        row_key,
        issue_person_id as person_id,
        '{{ column }}' as column_name,
        cast({{ column }} as varchar) as raw_value,
        'sentinel_date' as rule,
        cast(null as varchar) as value_used
    from suspect_{{ table }}
    where diverted_by is null
        and {{ column }} is not null
        and {{ real_date(column) }} is null
    {%- if not (loop.last and outer_loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
),

recorded_early as (
    {%- for table, (recorded, occurred) in recordings.items() %}
    select
        '{{ table }}' as table_name,
        row_key,
        issue_person_id as person_id,
        '{{ recorded }}' as column_name,
        cast({{ recorded }} as varchar) as raw_value,
        'recorded_early' as rule,
        cast({{ occurred }} as varchar) as value_used
    from suspect_{{ table }}
    where diverted_by is null
        and {{ is_recorded_early(recorded, occurred) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

stage_days as (
    select
        events.application_id,
        events.stage,
        events.event_source,
        min(cast(events.occurred_at as date)) as first_on
    from {{ ref('stg_stage_events') }} as events
    where events.occurred_at is not null
    group by events.application_id, events.stage, events.event_source
),

-- Admitted and admitted with conditions have one rank, and either serves what follows.
rank_days as (
    select
        stage_days.application_id,
        stages.stage_rank,
        min(stage_days.first_on) as first_on
    from stage_days
    inner join {{ ref('stages') }} as stages on stage_days.stage = stages.stage
    where not stages.is_exit
    group by stage_days.application_id, stages.stage_rank
),

disordered as (
    select
        stage_days.*,
        rank_days.first_on as not_before
    from stage_days
    inner join {{ ref('stages') }} as stages on stage_days.stage = stages.stage
    inner join {{ ref('stages') }} as followed on stages.follows = followed.stage
    inner join rank_days
        on stage_days.application_id = rank_days.application_id
        and followed.stage_rank = rank_days.stage_rank
    where stage_days.first_on < rank_days.first_on
),

out_of_order as (
    select
        'stage_events' as table_name,
        {{ keys['stage_events'] }} as row_key,
        cast(null as varchar) as person_id,
        'occurred_at' as column_name,
        cast(occurred_at as varchar) as raw_value,
        'out_of_order' as rule,
        cast(occurred_at as varchar) as value_used
    from (
        select events.application_id, events.stage, events.occurred_at
        from {{ ref('stg_stage_events_reviewed') }} as events
        inner join disordered
            on events.application_id = disordered.application_id
            and events.mapped_stage = disordered.stage
            and disordered.event_source = 'stage_events'
        where events.diverted_by is null
            and cast(events.occurred_at as date) < disordered.not_before
    ) as events
    union all
    select
        'applications' as table_name,
        application_id as row_key,
        cast(null as varchar) as person_id,
        case when stage = 'complete' then 'completed_at' else stage || '_at' end as column_name,
        cast(first_on as varchar) as raw_value,
        'out_of_order' as rule,
        cast(first_on as varchar) as value_used
    from disordered
    where event_source = 'applications'
),

scores as (
    select
        'test_scores' as table_name,
        harmonized.score_id as row_key,
        harmonized.person_id,
        'value' as column_name,
        coalesce(staged.value_refused, cast(harmonized.raw_value as varchar)) as raw_value,
        harmonized.rule,
        case
            when harmonized.is_usable
                then cast(coalesce(harmonized.english_level, harmonized.value) as varchar)
        end as value_used
    from {{ ref('int_scores_harmonized') }} as harmonized
    inner join {{ ref('stg_test_scores') }} as staged on harmonized.score_id = staged.score_id
    where harmonized.rule is not null
),

-- Which of several scores serves is a matter of the person; the values themselves are fine.
set_aside as (
    select
        'test_scores' as table_name,
        ranked.score_id as row_key,
        ranked.person_id,
        'value' as column_name,
        cast(harmonized.raw_value as varchar) as raw_value,
        ranked.rule,
        cast(serving.measure_value as varchar) as value_used
    from {{ ref('int_scores_ranked') }} as ranked
    inner join {{ ref('int_scores_harmonized') }} as harmonized
        on ranked.score_id = harmonized.score_id
    left join {{ ref('int_scores_ranked') }} as serving
        on ranked.person_id = serving.person_id
        and ranked.measure = serving.measure
        and serving.preference = 1
        and serving.rule is null
    where ranked.rule is not null
),

grades as (
    select
        'education_records' as table_name,
        harmonized.education_id as row_key,
        harmonized.person_id,
        case
            when harmonized.rule like 'scale!_%' escape '!' then 'gpa_scale_max' else 'gpa_value'
        end as column_name,
        case
            when harmonized.rule like 'scale!_%' escape '!'
                then coalesce(
                    staged.gpa_scale_max_refused, cast(staged.gpa_scale_max as varchar)
                )
            else coalesce(staged.gpa_value_refused, cast(staged.gpa_value as varchar))
        end as raw_value,
        harmonized.rule,
        case
            when harmonized.is_usable then cast(harmonized.gpa_scale_max as varchar)
        end as value_used
    from {{ ref('int_education_harmonized') }} as harmonized
    inner join {{ ref('stg_education_records') }} as staged
        on harmonized.education_id = staged.education_id
    where harmonized.rule is not null
),

lost_merges as (
    select
        'persons' as table_name,
        person_id as row_key,
        surviving_person_id as person_id,
        'merged_into_person_id' as column_name,
        merged_into_person_id as raw_value,
        'merge_target_missing' as rule,
        cast(null as varchar) as value_used
    from {{ ref('stg_persons_reviewed') }}
    where diverted_by is null
        and merged_into_person_id <> person_id
),

lost_applications as (
    select distinct
        'interactions' as table_name,
        staged.interaction_id as row_key,
        staged.person_id,
        'application_id' as column_name,
        delivered.application_id as raw_value,
        'orphan_application' as rule,
        cast(null as varchar) as value_used
    from {{ ref('stg_interactions') }} as staged
    inner join {{ ref('input__interactions') }} as delivered
        on staged.interaction_id = delivered.interaction_id
    left join {{ ref('stg_applications') }} as applications
        on delivered.application_id = applications.application_id
    where staged.application_id is null
        and delivered.application_id is not null
        and applications.application_id is null
),

contradicted_terms as (
    select
        'entry_terms' as table_name,
        entry_term as row_key,
        cast(null as varchar) as person_id,
        'status' as column_name,
        given_status as raw_value,
        'contradicts_census' as rule,
        status as value_used
    from {{ ref('int_entry_terms_ordered') }}
    where (given_status = 'open') <> is_open
),

own_columns as (
    {{ unread_feature_values() }}
),

issues as (
    {%- for part in [
        'untyped_judged', 'unreal_dates', 'recorded_early', 'out_of_order',
        'scores', 'set_aside', 'grades', 'lost_merges', 'lost_applications', 'contradicted_terms',
        'own_columns', 'blank', 'off_scale_fields', 'off_scale_intent',
    ] %}
    select table_name, row_key, person_id, column_name, raw_value, rule, value_used
    from {{ part }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    issues.table_name,
    issues.row_key,
    issues.person_id,
    issues.column_name,
    issues.raw_value,
    issues.rule,
    rules.decision,
    issues.value_used,
    rules.description as reason
from issues
left join {{ ref('quality_rules') }} as rules
    on issues.rule = rules.rule
    and rules.scope = 'value'
