with

drift as (
    select * from {{ ref('ml_persona_drift') }}
),

catalog as (
    select * from {{ ref('stg_feature_catalog') }}
),

suppressed as (
    select * from {{ ref('ml_suppressed_personas') }}
),

-- A cycle that is no longer in the input is judged by its size.
decided as (
    select
        drift.*,
        coalesce(earlier.is_suppressed, {{ is_small('drift.n_before') }})
        or coalesce(later.is_suppressed, {{ is_small('drift.n_now') }}) as is_suppressed
    from drift
    left join suppressed as earlier
        on drift.previous_entry_term = earlier.entry_term
        and drift.persona_key = earlier.persona_key
    left join suppressed as later
        on drift.entry_term = later.entry_term
        and drift.persona_key = later.persona_key
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
