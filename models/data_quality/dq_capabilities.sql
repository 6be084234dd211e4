{%- set is_told -%}
(reference_tables.table_name is not null or not {{ is_small('capabilities.n_rows') }})
{%- endset -%}

with

contract_columns as (

    select * from {{ ref('input__columns') }}

),

contract_tables as (

    select distinct
        table_name,
        is_required_table,
        table_blocks as blocks,
        table_marts as marts
    from {{ ref('input__contract') }}

),

-- Rows about programs or codes are few and nobody's: their number hides no one.
reference_tables as (

    select table_name
    from {{ ref('input__contract') }}
    group by table_name
    having max(case when column_name in ('person_id', 'application_id') then 1 else 0 end) = 0

),

shipped_catalog as (

    select feature, block, source_column from {{ ref('feature_catalog') }}

),

user_catalog as (

    select feature, block, source_column from {{ ref('input__feature_catalog') }}

),

filled as (

    {% for table in contract_table_names() -%}
    {{ count_filled(table, ref('input__' ~ table)) }}
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor %}

),

features as (

    select * from user_catalog
    union all
    select shipped_catalog.*
    from shipped_catalog
    left join user_catalog on shipped_catalog.feature = user_catalog.feature
    where user_catalog.feature is null

),

table_rows as (

    select
        table_name,
        max(n_rows) as n_rows
    from filled
    group by table_name

),

column_states as (

    select
        contract_columns.table_name,
        contract_columns.column_name,
        contract_columns.is_in_contract,
        contract_columns.is_required_table,
        contract_columns.is_present,
        contract_columns.source,
        contract_columns.blocks,
        contract_columns.features,
        contract_columns.marts,
        substitutes.table_name as substitute,
        filled.n_rows,
        filled.n_filled
    from contract_columns
    left join table_rows as substitutes
        on contract_columns.substitute = substitutes.table_name
        and substitutes.n_rows > 0
    left join filled
        on contract_columns.table_name = filled.table_name
        and contract_columns.column_name = filled.column_name

),

table_states as (

    select
        contract_tables.table_name,
        contract_tables.is_required_table,
        contract_tables.blocks,
        contract_tables.marts,
        max(column_states.source) as source,
        max(column_states.n_rows) as n_rows
    from contract_tables
    inner join column_states on contract_tables.table_name = column_states.table_name
    group by
        contract_tables.table_name,
        contract_tables.is_required_table,
        contract_tables.blocks,
        contract_tables.marts

),

table_capabilities as (

    select
        table_name as capability,
        'table' as level,
        table_name,
        n_rows > 0 as is_available,
        source,
        case
            when source is null
                then 'The source has no table ' || table_name || ': its columns are null.'
            when n_rows = 0 then source || ' has no rows.'
            else 'Read from ' || source || '.'
        end as reason,
        blocks,
        '' as features,
        marts,
        n_rows,
        cast(null as bigint) as n_filled,
        cast(null as double) as share_filled
    from table_states

),

column_capabilities as (

    select
        table_name || '.' || column_name as capability,
        'column' as level,
        table_name,
        is_present and is_in_contract and n_filled > 0
        or is_present and column_name like 'x^_%' escape '^' as is_available,
        source,
        case
            when source is null then 'The source has no table ' || table_name || '.'
            when not is_present
                then source || ' has no column ' || column_name
                    || coalesce('; ' || substitute || ' says the same', '') || '.'
            when column_name like 'x^_%' escape '^'
                then 'Passed through from ' || source
                    || '; a row in feature_catalog makes it a feature.'
            when not is_in_contract
                then 'Not read: ' || source || ' has a column that the contract does not know;'
                    || ' name it x_' || column_name || ' to pass it through.'
            when n_filled = 0 then 'The column is in ' || source || ' but without a valid value.'
            else 'Read from ' || source || '.'
        end as reason,
        '' as blocks,
        case when substitute is null then features end as features,
        case when substitute is null then marts end as marts,
        n_rows,
        n_filled,
        round(n_filled / nullif(cast(n_rows as double), 0), 4) as share_filled
    from column_states

),

-- A block lives on an optional table with rows, or on filled columns of a required one.
block_feeds as (

    select
        blocks.block,
        table_states.table_name,
        table_states.n_rows,
        case
            when table_states.is_required_table then coalesce(max(column_states.n_filled), 0)
            else table_states.n_rows
        end as n_filled
    from (select distinct block from features) as blocks
    inner join table_states on {{ list_holds('table_states.blocks', 'blocks.block') }}
    left join column_states
        on table_states.table_name = column_states.table_name
        and {{ list_holds('column_states.blocks', 'blocks.block') }}
    group by
        blocks.block,
        table_states.table_name,
        table_states.is_required_table,
        table_states.n_rows

),

block_capabilities as (

    select
        block as capability,
        'block' as level,
        cast(null as varchar) as table_name,
        max(n_filled) > 0 as is_available,
        {{ dbt.listagg('table_name', "', '", 'order by table_name') }} as source,
        case
            when max(n_filled) > 0
                then 'Fed by ' || {{ dbt.listagg(
                    'case when n_filled > 0 then table_name end', "', '", 'order by table_name'
                ) }} || '.'
            when block = 'timing'
                then 'Static mode: neither stage_events nor a date on applications is there.'
            else 'Nothing to feed it in '
                || {{ dbt.listagg('table_name', "' or '", 'order by table_name') }} || '.'
        end as reason,
        block as blocks,
        '' as features,
        '' as marts,
        max(n_rows) as n_rows,
        cast(null as bigint) as n_filled,
        cast(null as double) as share_filled
    from block_feeds
    group by block

),

capabilities as (

    select * from table_capabilities
    union all
    select * from column_capabilities
    union all
    select * from block_capabilities

),

-- A block that still lives on another table keeps its features.
feature_sources as (

    select
        features.feature,
        features.block,
        lower(features.source_column) as source_column,
        coalesce(block_capabilities.is_available, true) as is_block_available
    from features
    left join block_capabilities on features.block = block_capabilities.capability

),

affected as (

    select
        capabilities.capability,
        capabilities.level,
        {{ dbt.listagg('feature_sources.feature', "', '", 'order by feature_sources.feature') }}
            as affected_features
    from capabilities
    inner join feature_sources
        on {{ list_holds('capabilities.blocks', 'feature_sources.block') }}
        and not feature_sources.is_block_available
        or {{ list_holds('capabilities.features', 'feature_sources.feature') }}
        or capabilities.capability = feature_sources.source_column
    where not capabilities.is_available
    group by capabilities.capability, capabilities.level

),

final as (

    select
        cast(capabilities.capability as varchar) as capability,
        cast(capabilities.level as varchar) as level,
        coalesce(capabilities.is_available, false) as is_available,
        cast(capabilities.source as varchar) as source,
        cast(capabilities.reason as varchar) as reason,
        cast(affected.affected_features as varchar) as affected_features,
        cast(
            case
                when not coalesce(capabilities.is_available, false)
                    then nullif(capabilities.marts, '')
            end as varchar
        ) as affected_marts,
        cast(case when {{ is_told }} then capabilities.n_rows end as bigint) as n_rows,
        cast(case when {{ is_told }} then capabilities.n_filled end as bigint) as n_filled,
        case when {{ is_told }} then capabilities.share_filled end as share_filled
    from capabilities
    left join affected
        on capabilities.capability = affected.capability
        and capabilities.level = affected.level
    left join reference_tables on capabilities.table_name = reference_tables.table_name

)

select * from final
