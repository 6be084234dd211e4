{#
What is this? Rules that rows of a table break: keys that repeat, values that are missing, out of
range or no value of the list. A line a rule, with the number of keys or rows that break it.
When does it matter? Always: joins on the table multiply rows or lose them, and figures mislead.
How to resolve it? The end of the run names the rules; query the table for the rows that break
them, and follow them upstream.

All rules of a table in one query: one scan, and one grouping a key.
keys: lists of columns. A key of one column may be missing, of several columns it is compared as is.
record_keys: {record: [columns]}, the key of each kind of row, by the column `record`, of a table
that holds several.
not_null: columns. ranges: {column: [least, most]}, null where there is no bound.
accepted: {column: [values]}; a missing value is accepted.
#}
{% test is_sound(model, keys=[], record_keys={}, not_null=[], ranges={}, accepted={}) %}
{%- set counts = {} %}
{%- for column in not_null %}
    {%- do counts.update({'not null: ' ~ column: column ~ ' is null'}) %}
{%- endfor %}
{%- for column, (least, most) in ranges.items() %}
    {%- set bounds = [] %}
    {%- if least is not none %}{% do bounds.append(column ~ ' < ' ~ least) %}{% endif %}
    {%- if most is not none %}{% do bounds.append(column ~ ' > ' ~ most) %}{% endif %}
    {%- do counts.update({'range: ' ~ column: bounds | join(' or ')}) %}
{%- endfor %}
{%- for column, values in accepted.items() %}
    {%- set literals = [] %}
    {%- for value in values %}
        {%- do literals.append(sql_string(value) if value is string else value | string) %}
    {%- endfor %}
    {%- do counts.update({
        'values: ' ~ column: column ~ ' not in (' ~ literals | join(', ') ~ ')',
    }) %}
{%- endfor %}
{%- set selects = [] %}
{%- if counts %}
    {%- set counted %}
select rule, n_broken
from (
    select
        rules.rule,
        case rules.place
            {%- for _ in counts %}
            when {{ loop.index }} then counted.n_{{ loop.index }}
            {%- endfor %}
        end as n_broken
    from (
        select
            {%- for condition in counts.values() %}
            {{ count_where(condition) }} as n_{{ loop.index }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ model }}
    ) as counted
    cross join (
        values {% for rule in counts -%}
            ({{ loop.index }}, {{ sql_string(rule) }}){{ ', ' if not loop.last }}
        {%- endfor %}
    ) as rules (place, rule)
) as found
where n_broken > 0
    {%- endset %}
    {%- do selects.append(counted) %}
{%- endif %}
{%- set grouped = [] %}
{%- for key in keys %}
    {%- do grouped.append(('unique', key, key[0] ~ ' is not null' if key | length == 1)) %}
{%- endfor %}
{%- for record, key in record_keys.items() %}
    {%- do grouped.append(('unique ' ~ record, key, 'record = ' ~ sql_string(record))) %}
{%- endfor %}
{%- for kind, key, condition in grouped %}
    {%- set columns = key | join(', ') %}
    {%- set repeated %}
select {{ sql_string(kind ~ ': ' ~ columns) }} as rule, count(*) as n_broken
from (
    select {{ columns }}
    from {{ model }}
    {{ 'where ' ~ condition if condition }}
    group by {{ columns }}
    having count(*) > 1
) as repeated
having count(*) > 0
    {%- endset %}
    {%- do selects.append(repeated) %}
{%- endfor %}
{{ selects | join('\nunion all\n') }}
{% endtest %}
