-- depends_on: {{ ref('stg_feature_catalog') }}
-- depends_on: {{ ref('stg_persons') }}
-- depends_on: {{ ref('stg_applications') }}
-- depends_on: {{ ref('stg_programs') }}
-- depends_on: {{ ref('int_education_known') }}
-- depends_on: {{ ref('int_scores_known') }}
-- depends_on: {{ ref('int_engagement_known') }}
-- depends_on: {{ ref('int_timing_known') }}
-- depends_on: {{ ref('int_offers_known') }}
{%- set features = model_features() %}
{%- set sources = {} %}
{%- for feature in features %}
    {%- set source = feature_source(feature.source_column) %}
    {%- if source.table != 'int_applications_as_of' %}
        {%- do sources.update({source.table: source['keys']}) %}
    {%- endif %}
{%- endfor %}

with

known as (
    select * from {{ ref('int_applications_as_of') }}
    where not has_objection
),

applications as (
    select * from known
    where {{ in_part('application_id') }}
),

populations as (
    select
        {{ count_where('not is_prospect') }} > 0 as has_applicants,
        {{ count_where('is_closed') }} > 0 as has_closed,
        {{ count_where('is_closed and not is_prospect') }} > 0 as has_closed_applicants
    from known
)

{%- for table, keys in sources.items() %},

{{ table }} as (
    select * from {{ ref(table) }}
    {%- if 'application_id' in keys %}
    where {{ in_part('application_id') }}
    {%- endif %}
)
{%- endfor %}

select
    applications.application_id,
    applications.known_on,
    applications.as_of,
    applications.person_id,
    applications.entry_term,
    applications.term_order,
    applications.program_code as program,
    applications.residency,
    applications.is_open,
    applications.is_closed,
    applications.is_static,
    applications.is_prospect,
    applications.is_primary,
    applications.is_persona_snapshot,
    -- Personas are learned from applicants of closed cycles; from others only when there are none.
    applications.is_persona_snapshot
    and applications.is_primary
    and (not applications.is_prospect or not populations.has_applicants)
    and (
        applications.is_closed
        or not case
            when populations.has_applicants then populations.has_closed_applicants
            else populations.has_closed
        end
    ) as is_persona_training
    {%- for feature in features %},
    {{ feature_column(feature) }} as {{ quote_name(feature.feature) }}
    {%- endfor %}
from applications
cross join populations
{%- for table, keys in sources.items() %}
left join {{ table }}
    on {% for key in keys -%}
    {{ 'and ' if not loop.first }}applications.{{ key }} = {{ table }}.{{ key }}
    {% endfor %}
{%- endfor %}
