with

programs as (
    select * from {{ ref('stg_programs') }}
)

select
    program_code,
    program_name,
    level,
    faculty,
    mode,
    load,
    cast(english_required as boolean) as english_required,
    test_policy,
    cast(capacity as integer) as capacity
from programs
