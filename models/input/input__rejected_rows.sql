{% for table in contract_table_names() -%}
select
    table_name,
    source_file,
    line_number,
    column_name,
    raw_text,
    reason
from {{ rejects_relation(ref('input__' ~ table)) }}
{% if not loop.last -%}
union all
{% endif -%}
{% endfor %}
