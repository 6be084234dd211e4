with

entry_terms as (
    select * from {{ ref('int_entry_terms_ordered') }}
)

select
    entry_term,
    term_order,
    previous_entry_term,
    cast(opens_on as date) as opens_on,
    cast(census_on as date) as census_on,
    census_source,
    status,
    is_open
from entry_terms
