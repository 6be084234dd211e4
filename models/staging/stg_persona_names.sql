with

brought as (
    select
        lower(trim(persona_key)) as persona_key,
        persona_name,
        description,
        row_number() over (
            partition by lower(trim(persona_key)) order by persona_name, description
        ) as copy
    from {{ ref('input__persona_names') }}
    where persona_key is not null
)

select
    persona_key,
    persona_name,
    case when description like '%.' then description else description || '.' end as description
from brought
where copy = 1
