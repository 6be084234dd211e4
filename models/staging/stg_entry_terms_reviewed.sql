with

numbered as (
    {{ numbered_copies(
        ref('input__entry_terms'), 'entry_term',
        count_present(['opens_on', 'census_on', 'status', 'term_order']) ~ ' desc'
    ) }}
)

select
    numbered.*,
    case
        when numbered.entry_term is null then 'missing_key'
        when numbered._copy > 1 then 'duplicate_key'
    end as diverted_by
from numbered
