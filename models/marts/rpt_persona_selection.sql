with

fitted as (
    select * from {{ ref('ml_persona_fit') }}
    where record = 'selection'
)

select
    run_id,
    cast(k as integer) as k,
    {% for metric in [
        'silhouette', 'davies_bouldin', 'calinski_harabasz', 'inertia', 'stability_mean',
        'stability_p10', 'null_stability_mean', 'stability_excess', 'information_mean',
        'null_information_mean', 'information_excess', 'smallest_share',
    ] -%}
    round(max(case when item = '{{ metric }}' then value end), 9) as {{ metric }},
    {% endfor -%}
    max(case when item = 'is_chosen' then value end) = 1 as is_chosen,
    max(case when item = 'reason' then text end) as reason
from fitted
group by run_id, k
