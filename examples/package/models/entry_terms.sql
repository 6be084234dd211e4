select * from {{ source('crm', 'entry_terms') }}
