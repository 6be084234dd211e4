select * from {{ source('crm', 'education_records') }}
