select * from {{ source('crm', 'applications') }}
