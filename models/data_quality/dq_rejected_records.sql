with

rejected_rows as (

    select * from {{ ref('input__rejected_rows') }}

),

renamed as (

    select
        cast(table_name as varchar) as source_table,
        cast(source_file as varchar) as source_file,
        cast(line_number as bigint) as line_number,
        cast(column_name as varchar) as column_name,
        cast(raw_text as varchar) as raw_text,
        cast(reason as varchar) as reason
    from rejected_rows

)

select * from renamed
