{# A crosswalk maps a code once, however it is spelled; `within` names columns of the key. #}
{% test unique_code(model, within=none) %}
select
    {{ within ~ ',' if within }}
    {{ code_key('code') }} as code,
    count(*) as n_rows
from {{ model }}
group by {{ within ~ ',' if within }} {{ code_key('code') }}
having count(*) > 1
{% endtest %}
