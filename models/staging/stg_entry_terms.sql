{{ config(materialized='table') }}

with

entry_terms as (
    select * from {{ ref('stg_entry_terms_reviewed') }}
    where diverted_by is null
),

statuses as (
    {{ codes_of('entry_terms', 'status') }}
),

applied_for as (
    select distinct entry_term from {{ ref('stg_applications') }}
),

named as (
    select entry_term from entry_terms
    union
    select entry_term from applied_for
)

select
    named.entry_term,
    {{ real_date('entry_terms.opens_on') }} as opens_on,
    {{ real_date('entry_terms.census_on') }} as census_on,
    statuses.value as status,
    entry_terms.term_order,
    entry_terms.entry_term is null as is_derived
    {{ extra_columns(ref('input__entry_terms'), 'entry_terms') }}
from named
left join entry_terms on named.entry_term = entry_terms.entry_term
left join statuses on entry_terms.status = statuses.code
