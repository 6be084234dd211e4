{# One scan for all ranges of a model: {column: [least, most]}, null where there is no bound. #}
{% test in_ranges(model, ranges) %}
select {{ ranges.keys() | join(', ') }}
from {{ model }}
where false
    {%- for column, (least, most) in ranges.items() %}
    {%- if least is not none %}
    or {{ column }} < {{ least }}
    {%- endif %}
    {%- if most is not none %}
    or {{ column }} > {{ most }}
    {%- endif %}
    {%- endfor %}
{% endtest %}
