select
    surviving_person_id as person_id,
    lower(attribute) as attribute,
    value
from {{ ref('stg_protected_attributes_reviewed') }}
where diverted_by is null
