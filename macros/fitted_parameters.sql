{# Fitted parameters are rows. These macros read the rows and write them into SQL as literals, so
   that the compiled model shows every number an applicant's figures were made with. #}

{% macro fitted_rows(model, order_by, where='true') -%}
    {%- set relation = load_relation(ref(model)) -%}
    {%- set rows = [] -%}
    {%- if execute and relation is not none -%}
        {%- for row in run_query(
            'select * from ' ~ relation ~ ' where ' ~ where ~ ' order by ' ~ order_by
        ) -%}
            {%- do rows.append(row.dict()) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(rows) }}
{%- endmacro %}

{# The same rows by the value of one column. #}
{% macro grouped_rows(model, key, order_by, where='true') -%}
    {%- set grouped = {} -%}
    {%- for row in fitted_rows(model, order_by=key ~ ', ' ~ order_by, where=where) -%}
        {%- do grouped.setdefault(row[key], []).append(row) -%}
    {%- endfor -%}
    {{ return(grouped) }}
{%- endmacro %}

{# Further from the mean nothing counts: the same limit as in the fit. #}
{% macro clip_limit() -%}{{ return(4) }}{%- endmacro %}

{# A value standardized, clipped and times the square root of its weight. Missing stays missing. #}
{% macro weighted_value(column) -%}
    {%- set root = column.weight ** 0.5 -%}
    {%- set feature = adapter.quote(column.feature) -%}
    {%- if column.parameter_kind == 'value' -%}
        {%- set raw = transformed(column, feature) -%}
    {%- elif column.parameter_kind == 'missing' -%}
        {%- set raw = 'case when ' ~ feature ~ ' is null then 1e0 else 0e0 end' -%}
    {%- else -%}
        {%- set raw -%}
            case {{ feature }} = {{ sql_string(column.level) }} when true then 1e0 when false then 0e0 end
        {%- endset -%}
    {%- endif -%}
    case when {{ feature }} is not null or {{ column.parameter_kind == 'missing' }} then
        least({{ clip_limit() }}, greatest(-{{ clip_limit() }},
            ({{ raw }} - {{ double_literal(column.center) }}) / {{ double_literal(column.scale) }}
        )) * {{ double_literal(root) }}
    end
{%- endmacro %}

{# Weight of the observed columns of a weighted row, as a share of all weight. #}
{% macro observed_weight(columns) -%}
    {%- set total = columns | sum(attribute='weight') -%}
    (
    {%- for column in columns -%}
        case when {{ column.column_name }} is not null
            then {{ double_literal(column.weight / total) }} else 0e0 end
        {{- ' + ' if not loop.last }}
    {%- else -%}
        1e0
    {%- endfor -%}
    )
{%- endmacro %}

{# Squared distance of a weighted row to one center, over what is observed. #}
{% macro squared_distance(coordinates) -%}
    {%- for coordinate in coordinates -%}
        coalesce(power({{ coordinate.column_name }} - {{ double_literal(coordinate.value) }}, 2), 0)
        {{- ' + ' if not loop.last }}
    {%- else -%}
        0e0
    {%- endfor -%}
{%- endmacro %}

{# Coordinate of a weighted row along one principal component; what is missing sits at the mean. #}
{% macro principal_coordinate(loadings) -%}
    {%- for row in loadings -%}
        (coalesce({{ row.column_name }}, 0) - {{ double_literal(row.center) }})
        * {{ double_literal(row.loading) }}
        {{- ' + ' if not loop.last }}
    {%- else -%}
        0e0
    {%- endfor -%}
{%- endmacro %}
