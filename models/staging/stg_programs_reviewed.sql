{{ config(materialized='table') }}
with

codes as (
    {{ codes_of('programs', 'program_code') }}
),

mapped as (
    select
        programs.*,
        codes.value as mapped_program_code
    from {{ ref('input__programs') }} as programs
    left join codes on programs.program_code = codes.code
),

-- Of two rows of one program the one under its own code stays.
numbered as (
    select
        mapped.*,
        {{ copy_number(
            ['mapped.mapped_program_code'],
            'case when program_code = mapped_program_code then 0 else 1 end, ' ~ count_present([
                'program_name', 'level', 'faculty', 'mode', 'english_required', 'test_policy',
                'capacity',
            ]) ~ ' desc',
            'mapped'
        ) }} as _copy
    from mapped
)

select
    numbered.*,
    case
        when numbered.program_code is null then 'missing_key'
        when numbered._copy > 1 then 'duplicate_key'
    end as diverted_by
from numbered
