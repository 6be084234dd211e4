with

files as (

    select * from {{ ref('input__files') }}

),

relations as (

    {{ list_relations() }}

),

listed as (

    select
        path,
        table_name,
        format,
        n_records as records,
        is_read,
        reason
    from files
    union all
    select
        location as path,
        table_name,
        'relation' as format,
        records,
        true as is_read,
        cast(null as varchar) as reason
    from relations

)

select
    cast(path as varchar) as path,
    cast(table_name as varchar) as table_name,
    cast(format as varchar) as format,
    cast(records as bigint) as records,
    cast(is_read as boolean) as is_read,
    cast(reason as varchar) as reason
from listed
