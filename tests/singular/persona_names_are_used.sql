{{ config(severity='warn') }}
/*
What is this? Names that you gave to personas that the fit did not find.
When does it matter? A name that you chose is shown nowhere.
How to resolve it? Take the persona_key from dim_personas and correct persona_names.
*/
select
    given.persona_key,
    given.persona_name
from {{ ref('stg_persona_names') }} as given
left join {{ ref('dim_personas') }} as personas on given.persona_key = personas.persona_key
where personas.persona_key is null
