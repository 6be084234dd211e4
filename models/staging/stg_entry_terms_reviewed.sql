{{ config(materialized='table') }}
with

numbered as (
    select
        entry_terms.*,
        {{ copy_number(
            ['entry_terms.entry_term'],
            count_present(['opens_on', 'census_on', 'status', 'term_order']) ~ ' desc',
            'entry_terms'
        ) }} as _copy
    from {{ ref('input__entry_terms') }} as entry_terms
)

select
    numbered.*,
    case
        when numbered.entry_term is null then 'missing_key'
        when numbered._copy > 1 then 'duplicate_key'
    end as diverted_by
from numbered
