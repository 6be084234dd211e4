with

drift as (
    select * from {{ ref('ml_persona_drift') }}
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
)

select
    drift.run_id,
    drift.previous_entry_term,
    drift.entry_term,
    drift.persona_key,
    drift.metric,
    drift.feature,
    coalesce(catalog.label, drift.feature) as label,
    {%- for size in ['n_before', 'n_now'] %}
    case
        when drift.n_before >= {{ var('min_cell') }} and drift.n_now >= {{ var('min_cell') }}
            then drift.{{ size }}
    end as {{ size }},
    {%- endfor %}
    drift.n_before < {{ var('min_cell') }} or drift.n_now < {{ var('min_cell') }} as is_suppressed,
    {%- for figure in ['before', 'now', 'change', 'noise_floor'] %}
    case
        when drift.n_before >= {{ var('min_cell') }} and drift.n_now >= {{ var('min_cell') }}
            then round(drift.{{ figure }}, 9)
    end as {{ figure }},
    {%- endfor %}
    case
        when drift.n_before >= {{ var('min_cell') }} and drift.n_now >= {{ var('min_cell') }}
            then drift.change > drift.noise_floor
    end as is_beyond_noise
from drift
left join catalog on drift.feature = catalog.feature
