select * from {{ source('crm', 'programs') }}
