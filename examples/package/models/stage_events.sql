select * from {{ source('crm', 'stage_events') }}
