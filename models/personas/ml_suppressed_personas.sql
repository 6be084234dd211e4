with

people as (
    select entry_term, persona_key from {{ ref('ml_persona_assignments') }}
    where is_persona_snapshot and is_primary
),

terms as (
    select distinct entry_term from people
    union all
    select 'all' as entry_term
),

keys as (
    select distinct persona_key from people
    union all
    select 'all' as persona_key
),

cells as (
    select
        terms.entry_term,
        keys.persona_key,
        count(people.entry_term) as n
    from terms
    cross join keys
    left join people
        on (terms.entry_term = 'all' or terms.entry_term = people.entry_term)
        and (keys.persona_key = 'all' or keys.persona_key = people.persona_key)
    group by terms.entry_term, keys.persona_key
),

decided as (
    {{ suppressed_cells('cells', [], column='persona_key', row='entry_term') }}
)

select
    entry_term,
    persona_key,
    n,
    is_suppressed
from decided
