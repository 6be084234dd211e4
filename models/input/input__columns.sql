with

contract as (
    select * from {{ ref('input__contract') }}
),

source_columns as (
    {{ list_source_columns() }}
),

-- Parts of a table may differ: the first that has a column says its type.
found as (
    select
        table_name,
        column_name,
        min(column_order) as column_order,
        min(source) as source,
        lower(min_by(data_type, column_order)) as data_type
    from source_columns
    where column_name <> ''
    group by table_name, column_name
),

sources as (
    select
        table_name,
        min(source) as source
    from found
    group by table_name
),

tables as (
    select
        table_name,
        is_required_table,
        count(*) as n_columns
    from contract
    group by table_name, is_required_table
),

columns as (
    select
        contract.table_name,
        contract.column_name,
        contract.column_order,
        true as is_in_contract,
        contract.is_required_table,
        contract.is_required_column,
        found.column_name is not null as is_present,
        contract.data_type,
        contract.blocks,
        contract.features,
        contract.substitute,
        contract.marts
    from contract
    left join found
        on contract.table_name = found.table_name and contract.column_name = found.column_name
    union all
    select
        found.table_name,
        found.column_name,
        tables.n_columns + row_number() over (
            partition by found.table_name order by found.column_order, found.column_name
        ) as column_order,
        false as is_in_contract,
        tables.is_required_table,
        false as is_required_column,
        true as is_present,
        found.data_type,
        '' as blocks,
        '' as features,
        cast(null as varchar) as substitute,
        '' as marts
    from found
    inner join tables on found.table_name = tables.table_name
    left join contract
        on found.table_name = contract.table_name and found.column_name = contract.column_name
    where contract.column_name is null
)

select
    columns.table_name,
    columns.column_name,
    cast(columns.column_order as integer) as column_order,
    columns.is_in_contract,
    columns.is_required_table,
    columns.is_required_column,
    columns.is_present,
    sources.source,
    columns.data_type,
    columns.blocks,
    columns.features,
    columns.substitute,
    columns.marts
from columns
left join sources on columns.table_name = sources.table_name
