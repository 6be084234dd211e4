with

applications as (
    select * from {{ ref('input__applications') }}
),

late_ids as (
    select * from {{ ref('input__late_application_ids') }}
)

select application_id from late_ids
union
select application_id from applications
where application_id is not null
    and (
        {%- for column in knowledge_dates()['applications'][1] %}
        {{ 'or ' if not loop.first }}{{ is_late('applications.' ~ column) }}
        {%- endfor %}
    )
