{%- set front_door = front_door_marts() -%}
{%- set topics = ['poor_input', 'input', 'refused', 'time', 'personas', 'likelihoods', 'empty'] -%}
{%- set tables = reviewed_keys().keys() | list -%}
{%- set begun_at = run_started_at.strftime('%Y-%m-%d %H:%M:%S') -%}
{# Refusals that are told in short; the others follow in the table only. #}
{%- set n_worst = 5 -%}

with

reconciliation as (
    select * from {{ ref('dq_reconciliation') }}
),

diverted_rows as (
    select * from {{ ref('dq_diverted_rows') }}
),

rejected_records as (
    select * from {{ ref('dq_rejected_records') }}
),

issues as (
    select * from {{ ref('dq_score_issues') }}
),

unmapped_codes as (
    select * from {{ ref('dq_unmapped_codes') }}
),

capabilities as (
    select * from {{ ref('dq_capabilities') }}
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

entry_terms as (
    select * from {{ ref('dim_entry_terms') }}
),

personas as (
    select * from {{ ref('dim_personas') }}
),

phases as (
    select * from {{ ref('int_phases_ranked') }}
),

headlines as (
    select * from {{ ref('rpt_model_headlines') }}
),

persona_selection as (
    select * from {{ ref('rpt_persona_selection') }}
),

runs as (
    select
        *,
        case
            when fitted_at >= cast('{{ begun_at }}' as timestamp) then 'fitted anew'
            else 'carried over from ' || cast(as_of as varchar)
        end as origin
    from {{ ref('fct_model_runs') }}
    where status <> 'replaced'
),

required_tables as (
    select distinct table_name from {{ ref('input__columns') }}
    where is_required_table
),

-- A file that is not read for its name alone may have been meant.
input_files as (
    select
        count(case when is_read and format <> 'relation' then 1 end) as n_files,
        count(case when reason like '%did you mean%' then 1 end) as n_near_misses,
        min(case when reason like '%did you mean%' then path || ' (' || reason || ')' end)
            as near_miss
    from {{ ref('dq_input_files') }}
),

-- --- what was read -----------------------------------------------------------------------------

tables as (
    {%- for table in tables %}
    select '{{ table }}' as table_name{{ ' union all' if not loop.last }}
    {%- endfor %}
),

left_out as (
    select
        table_name,
        rule,
        sum(n_rows) as n_rows
    from diverted_rows
    group by table_name, rule
    union all
    select
        source_table as table_name,
        'unreadable' as rule,
        count(*) as n_rows
    from rejected_records
    group by source_table
),

rules_by_table as (
    select
        table_name,
        {{ dbt.listagg(
            "cast(n_rows as varchar) || ' ' || rule", "', '", 'order by n_rows desc, rule'
        ) }} as rules,
        -- Rows of a later day say nothing about the input.
        {{ dbt.listagg(
            "case when rule <> 'after_as_of' then cast(n_rows as varchar) || ' ' || rule end",
            "', '", 'order by n_rows desc, rule'
        ) }} as rules_of_loss,
        sum(case when rule = 'after_as_of' then n_rows else 0 end) as n_late
    from left_out
    group by table_name
),

read_tables as (
    select
        layers.table as table_name,
        sum(case when layers.layer = 'input' then layers.rows_in else 0 end) as n_rows,
        sum(layers.rows_diverted) as n_left_out
    from reconciliation as layers
    where layers.rule = 'all'
        and layers.layer in ('input', 'staging')
        and layers.table in (select tables.table_name from tables)
    group by layers.table
    having sum(case when layers.layer = 'input' then layers.rows_in else 0 end) > 0
),

tables_off as (
    select capability, level, reason from capabilities
    where not is_available
        and (
            level = 'block'
            or (level = 'table' and capability in (select tables.table_name from tables))
        )
),

input_sentences as (
    select
        'info' as severity,
        true as is_headline,
        cast(null as varchar) as about,
        cast(coalesce(sum(read_tables.n_rows), 0) as bigint) as n,
        1 as place,
        {{ counted('coalesce(sum(read_tables.n_rows), 0)', 'row') }} || ' of '
        || {{ counted('count(*)', 'table') }} || ' read'
        || case
            when max(input_files.n_files) > 0
                then ', from ' || {{ counted('max(input_files.n_files)', 'file') }}
            else ''
        end
        || '; ' || {{ counted('coalesce(sum(read_tables.n_left_out), 0)', 'row') }}
        || ' left out.' as sentence
    from read_tables
    cross join input_files
    union all
    select
        'info' as severity,
        false as is_headline,
        read_tables.table_name as about,
        cast(read_tables.n_rows as bigint) as n,
        2 as place,
        read_tables.table_name || ': ' || {{ counted('read_tables.n_rows', 'row') }} || ', '
        || cast(read_tables.n_rows - read_tables.n_left_out as varchar) || ' used'
        || coalesce('; left out: ' || rules_by_table.rules, '') || '.' as sentence
    from read_tables
    left join rules_by_table on read_tables.table_name = rules_by_table.table_name
    union all
    select
        'warning' as severity,
        true as is_headline,
        cast(null as varchar) as about,
        n_near_misses as n,
        5 as place,
        {{ counted('n_near_misses', 'file') }} || ' not read may have been meant: ' || near_miss
        || case when n_near_misses > 1 then '; all are in dq_input_files.' else '.' end as sentence
    from input_files
    where n_near_misses > 0
    union all
    select
        'info' as severity,
        true as is_headline,
        level as about,
        count(*) as n,
        case level when 'table' then 3 else 4 end as place,
        case level
            when 'table' then 'Tables without rows: ' else 'Blocks of features that are off: '
        end
        || {{ dbt.listagg('capability', "', '", 'order by capability') }}
        || '; why is in dq_capabilities.' as sentence
    from tables_off
    group by level
),

-- --- what was refused --------------------------------------------------------------------------

refused as (
    select
        table_name,
        column_name,
        rule,
        lower(substr(min(reason), 1, 1)) || substr(min(reason), 2) as reason,
        min(raw_value) as example,
        count(*) as n_refused,
        -- What never became a value is not among the filled ones of the column.
        sum(
            case
                when rule like 'not!_a!_%' escape '!' then 1
                when rule = 'sentinel_date' and table_name = 'applications' then 1
                -- Scores, grades and answers are judged when they are numbers already.
                when rule in ('sentinel', 'waived', 'out_of_range')
                    and (
                        column_name not in ('value', 'gpa_value', 'value_numeric')
                        or {{ try_cast('raw_value', 'double') }} is null
                    ) then 1
                else 0
            end
        ) as n_untyped
    from issues
    where decision = 'refused' and raw_value is not null
    group by table_name, column_name, rule
),

refused_of_delivered as (
    select
        refused.*,
        columns.n_filled + sum(refused.n_untyped) over (
            partition by refused.table_name, refused.column_name
        ) as n_delivered
    from refused
    left join capabilities as columns
        on refused.table_name || '.' || refused.column_name = columns.capability
        and columns.level = 'column'
),

blank_values as (
    select
        table_name,
        table_name || '.' || column_name as about,
        count(*) as n
    from issues
    where rule = 'missing_value'
    group by table_name, column_name
),

refusals as (
    select
        table_name || '.' || column_name as about,
        n_refused as n,
        coalesce(2 * n_refused > n_delivered, false) or rule = 'field_off_scale' as is_worst,
        table_name || '.' || column_name || ': '
        || case
            when rule = 'field_off_scale' then 'values ' || example
            else cast(n_refused as varchar) || coalesce(' of ' || cast(n_delivered as varchar), '')
                || ' refused, for example ' || substr(example, 1, 40)
        end || ': ' || reason
        || case
            when rule in ('not_a_date', 'not_a_timestamp')
                then '; give the format, see docs/mapping-guide.md'
            when rule like 'not!_a!_%' escape '!' then '; see docs/mapping-guide.md'
            else ''
        end || '.' as sentence
    from refused_of_delivered
    union all
    select
        blank_values.about,
        blank_values.n,
        2 * blank_values.n > read_tables.n_rows - read_tables.n_left_out as is_worst,
        blank_values.about || ': ' || cast(blank_values.n as varchar) || ' of '
        || {{ counted('cast(read_tables.n_rows - read_tables.n_left_out as bigint)', 'row') }}
        || ' without the value that the contract requires: all are in dq_score_issues.' as sentence
    from blank_values
    inner join read_tables on blank_values.table_name = read_tables.table_name
    union all
    select
        source_table as about,
        count(*) as n,
        false as is_worst,
        source_table || ': ' || {{ counted('count(*)', 'line') }}
        || ' could not be read, for example '
        || min_by(
            source_file || ' line ' || cast(line_number as varchar) || ' ('
            || substr(replace(reason, chr(10), ' '), 1, 80) || ')',
            source_file || ' ' || lpad(cast(line_number as varchar), 12, '0')
        ) || ': mend them in the source, all are in dq_rejected_records.' as sentence
    from rejected_records
    group by source_table
    union all
    select
        code_set as about,
        sum(n) as n,
        false as is_worst,
        code_set || ': ' || {{ counted('count(*)', 'code') }} || ' in no crosswalk ('
        || {{ counted('sum(n)', 'row') }} || '), for example '
        || substr(max_by(code, n), 1, 40)
        || ': map them in a crosswalk of your own, all are in dq_unmapped_codes.' as sentence
    from unmapped_codes
    group by code_set
),

refused_sentences as (
    select
        case when is_worst then 'warning' else 'info' end as severity,
        row_number() over (order by is_worst desc, n desc, sentence asc) <= {{ n_worst }}
            as is_headline,
        about,
        cast(n as bigint) as n,
        row_number() over (order by is_worst desc, n desc, sentence asc) as place,
        sentence
    from refusals
    union all
    select
        'info' as severity,
        true as is_headline,
        cast(null as varchar) as about,
        0 as n,
        1 as place,
        'Every line, value and code was understood.' as sentence
    where not exists (select 1 from refusals)
),

-- --- days and cycles ---------------------------------------------------------------------------

open_terms as (
    select
        entry_terms.entry_term,
        {{ dbt.datediff('as_of.as_of', 'entry_terms.census_on', 'day') }}
            as days_to_census
    from entry_terms
    cross join as_of
    where entry_terms.is_open and entry_terms.census_on is not null
),

next_census as (
    select
        min(days_to_census) as days_to_census,
        min_by(entry_term, days_to_census) as entry_term
    from open_terms
),

cycles as (
    select
        status,
        case status when 'closed' then 1 when 'settling' then 2 else 3 end as status_order,
        count(*) as n,
        min_by(entry_term, term_order)
        || case
            when count(*) > 1 then ' to ' || max_by(entry_term, term_order) else ''
        end as terms
    from entry_terms
    where term_order is not null
    group by status
),

time_sentences as (
    select
        'info' as severity,
        true as is_headline,
        cast(null as varchar) as about,
        next_census.days_to_census as n,
        1 as place,
        'The build speaks for ' || cast(cast(as_of.as_of as date) as varchar)
        || coalesce(
            ', ' || {{ counted('next_census.days_to_census', 'day') }}
            || ' before the census of ' || next_census.entry_term, ''
        ) || '.'
        || case
            when as_of.is_static
                then ' The input has no dates: all that it holds counts as known.'
            else ''
        end as sentence
    from as_of
    cross join next_census
    union all
    select
        case when max(case when status = 'closed' then 1 else 0 end) = 1 then 'info' else 'warning'
        end as severity,
        true as is_headline,
        cast(null as varchar) as about,
        cast(sum(n) as bigint) as n,
        2 as place,
        'Cycles: ' || {{ dbt.listagg(
            "cast(n as varchar) || ' ' || status || ' (' || terms || ')'", "', '",
            'order by status_order'
        ) }}
        || case
            when max(case when status = 'closed' then 1 else 0 end) = 1 then '.'
            else '; nothing can be learned about enrollment before one is closed.'
        end as sentence
    from cycles
    having count(*) > 0
),

-- --- personas ----------------------------------------------------------------------------------

persona_sentences as (
    select
        'info' as severity,
        true as is_headline,
        cast(null as varchar) as about,
        count(*) as n,
        1 as place,
        {{ counted('count(*)', 'persona') }} || ', '
        || coalesce((select max(origin) from runs where kind = 'personas'), 'of an unknown run')
        || ': '
        || {{ dbt.listagg('persona_name', "'; '", 'order by persona_key') }} || '.' as sentence
    from personas
    where is_active
    having count(*) > 0
    union all
    select
        'warning' as severity,
        true as is_headline,
        cast(null as varchar) as about,
        0 as n,
        1 as place,
        coalesce(
            (select max(reason) from persona_selection where reason like 'No persona%'),
            'There are no personas.'
        ) as sentence
    where not exists (select 1 from personas where is_active)
),

-- --- likelihoods -------------------------------------------------------------------------------

likelihood_sentences as (
    select
        case when runs.status like 'No model%' or runs.run_id is null then 'warning' else 'info'
        end as severity,
        true as is_headline,
        phases.phase as about,
        headlines.n,
        phases.phase_order as place,
        phases.phase || ': '
        || case
            when runs.run_id is null then 'No model was fitted.'
            when runs.status like 'No model%' then runs.status
            else upper(substr(runs.origin, 1, 1)) || substr(runs.origin, 2) || '. '
                || coalesce(headlines.sentence, '')
                || coalesce(
                    ' Calibration slope ' || {{ two_decimals('headlines.calibration_slope') }}
                    || '.', ''
                )
        end as sentence
    from phases
    left join runs on 'enrollment-' || phases.phase = runs.kind
    left join headlines on phases.phase = headlines.phase
    union all
    select
        'info' as severity,
        true as is_headline,
        headlines.phase as about,
        headlines.n,
        1000 as place,
        'Phases together: ' || headlines.sentence as sentence
    from headlines
    where headlines.auc is not null
        and headlines.phase not in (select phases.phase from phases)
),

-- --- what is empty, and whether it may be ------------------------------------------------------

front_door as (
    {%- for mart, facts in front_door.items() %}
    select
        '{{ mart }}' as mart,
        '{{ facts.made_of }}' as made_of,
        '{{ facts.filled_by }}' as filled_by,
        ',{{ facts.tables | join(",") }},' as tables,
        (select count(*) from {{ ref(mart) }}) as n_rows
    {{- ' union all' if not loop.last }}
    {%- endfor %}
),

-- Columns that were delivered and that hold not one valid value.
lost_columns as (
    select distinct
        refused.table_name,
        columns.capability
    from refused
    inner join capabilities as columns
        on refused.table_name || '.' || refused.column_name = columns.capability
        and columns.level = 'column'
        and not columns.is_available
),

-- Likelihoods may lack what they are learned from; personas, all that could tell people apart.
lacks as (
    select
        (
            not exists (select 1 from entry_terms where status = 'closed')
            or exists (
                select 1 from capabilities
                where not is_available
                    and {{ list_holds('affected_marts', "'fct_enrollment_scores'") }}
            )
        ) as lacks_likelihoods,
        not exists (
            select 1 from capabilities
            inner join catalog on capabilities.capability = catalog.block
            where capabilities.level = 'block'
                and capabilities.is_available
                and catalog.role in ('persona', 'both')
        ) as lacks_personas
),

empty_marts as (
    select
        front_door.mart,
        front_door.made_of,
        front_door.filled_by,
        {{ dbt.listagg('lost_columns.capability', "', '", 'order by lost_columns.capability') }}
            as lost,
        max(
            case
                when front_door.made_of = 'personas' and lacks.lacks_personas then 1
                when front_door.made_of = 'likelihoods' and lacks.lacks_likelihoods then 1
                else 0
            end
        ) = 1 as is_lacking
    from front_door
    cross join lacks
    left join lost_columns on front_door.tables like '%,' || lost_columns.table_name || ',%'
    where front_door.n_rows = 0
    group by front_door.mart, front_door.made_of, front_door.filled_by
),

empty_sentences as (
    select
        'warning' as severity,
        true as is_headline,
        mart as about,
        0 as n,
        1 as place,
        mart || ' is empty: it needs ' || filled_by || '.' as sentence
    from empty_marts
),

poor_sentences as (
    select
        'warning' as severity,
        true as is_headline,
        read_tables.table_name as about,
        cast(read_tables.n_left_out - coalesce(rules_by_table.n_late, 0) as bigint) as n,
        1 as place,
        'The required table ' || read_tables.table_name || ' lost '
        || cast(read_tables.n_left_out - coalesce(rules_by_table.n_late, 0) as varchar) || ' of '
        || cast(read_tables.n_rows - coalesce(rules_by_table.n_late, 0) as varchar) || ' rows ('
        || rules_by_table.rules_of_loss
        || '): mend the source by dq_diverted_rows and dq_rejected_records,'
        || ' or set on_poor_input: warn.' as sentence
    from read_tables
    inner join required_tables on read_tables.table_name = required_tables.table_name
    left join rules_by_table on read_tables.table_name = rules_by_table.table_name
    where 2 * (read_tables.n_left_out - coalesce(rules_by_table.n_late, 0))
        > read_tables.n_rows - coalesce(rules_by_table.n_late, 0)
    union all
    -- What was delivered and refused as a whole is no lack of the input.
    select
        'warning' as severity,
        true as is_headline,
        mart as about,
        0 as n,
        2 as place,
        mart || ' is empty though the input '
        || coalesce('has ' || lost || ', of which every value was refused', 'has what it needs')
        || ': see the refusals, mend the source, or set on_poor_input: warn.' as sentence
    from empty_marts
    where lost is not null or not is_lacking
),

sentences as (
    {%- for topic in topics %}
    select
        {{ loop.index }} as topic_order,
        '{{ topic }}' as topic,
        severity,
        is_headline,
        about,
        n,
        place,
        sentence
    from {{ {
        'poor_input': 'poor', 'personas': 'persona', 'likelihoods': 'likelihood',
    }.get(topic, topic) }}_sentences
    {{- ' union all' if not loop.last }}
    {%- endfor %}
)

select
    row_number() over (order by topic_order asc, place asc, sentence asc) as line_number,
    topic,
    severity,
    sentence,
    is_headline,
    about,
    cast(n as bigint) as n
from sentences
