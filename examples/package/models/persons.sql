-- Renamed, typed and filtered as your systems need it; what the contract does not know is ignored.
select
    *,
    now() as extracted_at
from {{ source('crm', 'persons') }}
