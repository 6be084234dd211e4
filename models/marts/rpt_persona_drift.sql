with

drift as (
    select * from {{ ref('ml_persona_drift') }}
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

-- Of all personas, those too that had nobody in the other cycle: the shares tell the rest.
sizes as (
    select
        entry_term,
        persona_key,
        count(*) as n
    from {{ ref('ml_persona_compared') }}
    group by entry_term, persona_key
),

suppressed as (
    select entry_term, persona_key
    from ({{ suppressed_cells('sizes', ['entry_term'], column='persona_key') }}) as cells
    where is_suppressed
),

decided as (
    select
        drift.*,
        exists(
            select 1 from suppressed
            where (
                suppressed.entry_term = drift.entry_term
                or suppressed.entry_term = drift.previous_entry_term
            )
                and suppressed.persona_key = drift.persona_key
        ) as is_suppressed
    from drift
)

select
    decided.run_id,
    decided.previous_entry_term,
    decided.entry_term,
    decided.persona_key,
    decided.metric,
    decided.feature,
    coalesce(catalog.label, decided.feature) as label,
    {%- for size in ['n_before', 'n_now'] %}
    case when not decided.is_suppressed then decided.{{ size }} end as {{ size }},
    {%- endfor %}
    decided.is_suppressed,
    {%- for figure in ['before', 'now', 'change', 'noise_floor'] %}
    case when not decided.is_suppressed then round(decided.{{ figure }}, 9) end as {{ figure }},
    {%- endfor %}
    case when not decided.is_suppressed then decided.change > decided.noise_floor end
        as is_beyond_noise
from decided
left join catalog on decided.feature = catalog.feature
