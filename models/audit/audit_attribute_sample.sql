-- depends_on: {{ ref('stg_feature_catalog') }}
{# People an attribute is told of: enough for an AUC that is known to within .02. #}
{%- set n_people = 3000 %}
{%- set features = catalog_features(roles=['persona', 'enrollment', 'both'])
    | rejectattr('protected') | list %}

with

applicants as (
    select * from {{ ref('ftr_applicants') }}
    where is_persona_snapshot and is_primary
),

protected_attributes as (
    select * from {{ ref('stg_protected_attributes') }}
    where value is not null and attribute <> 'residency'
),

profiled_persons as (
    select person_id from {{ ref('stg_persons') }}
    where not profiling_objection
),

-- A person of several terms speaks once.
people as (
    select
        applicants.person_id,
        applicants.application_id,
        applicants.entry_term,
        applicants.residency,
        row_number() over (
            partition by applicants.person_id
            order by {{ stable_hash('applicants.application_id') }}, applicants.entry_term
        ) as place
    from applicants
    inner join profiled_persons on applicants.person_id = profiled_persons.person_id
),

valued as (
    select
        person_id,
        application_id,
        entry_term,
        'residency' as attribute,
        residency as group_value
    from people
    where place = 1 and residency is not null
    union all
    select
        people.person_id,
        people.application_id,
        people.entry_term,
        protected_attributes.attribute,
        protected_attributes.value
    from people
    inner join protected_attributes on people.person_id = protected_attributes.person_id
    where people.place = 1
),

drawn as (
    select
        *,
        row_number() over (
            partition by attribute order by {{ stable_hash('person_id') }}, person_id
        ) as place
    from valued
)

select
    drawn.attribute,
    {{ group_name('drawn.group_value') }} as group_value,
    drawn.application_id
    {%- for feature in features %},
    applicants.{{ feature.feature }}
    {%- endfor %}
from drawn
inner join applicants
    on drawn.application_id = applicants.application_id
    and drawn.entry_term = applicants.entry_term
where drawn.place <= {{ n_people }}
