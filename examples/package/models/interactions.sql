select * from {{ source('crm', 'interactions') }}
where interaction_id is not null
