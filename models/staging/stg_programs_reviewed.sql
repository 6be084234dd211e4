with

numbered as (
    {{ numbered_copies(
        ref('input__programs'), 'program_code',
        count_present([
            'program_name', 'level', 'faculty', 'mode', 'english_required', 'test_policy',
            'capacity',
        ]) ~ ' desc'
    ) }}
)

select
    numbered.*,
    case
        when numbered.program_code is null then 'missing_key'
        when numbered._copy > 1 then 'duplicate_key'
    end as diverted_by
from numbered
