select * from {{ source('crm', 'test_scores') }}
