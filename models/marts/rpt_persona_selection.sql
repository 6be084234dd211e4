with

fitted as (
    select * from {{ ref('ml_persona_fit') }}
    where record = 'selection'
)

select
    run_id,
    cast(number as integer) as k,
    {% for metric in [
        'silhouette', 'davies_bouldin', 'calinski_harabasz', 'inertia', 'prediction_strength',
        'stability_mean', 'stability_p10', 'blocks_apart', 'excess_over_gaussian',
        'smallest_share',
    ] -%}
    round(max(case when metric = '{{ metric }}' then value end), 9) as {{ metric }},
    {% endfor -%}
    coalesce(max(case when metric = 'is_chosen' then value end) = 1, true) as is_chosen,
    max(case when metric = 'verdict' then text end) as verdict,
    max(case when metric = 'reason' then text end) as reason
from fitted
group by run_id, number
