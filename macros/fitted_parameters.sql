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

{# Standardized on observed values; a missing value sits at the mean, which is 0. #}
{% macro scaled_value(parameter) -%}
    {%- if parameter.parameter_kind == 'missing_flag' -%}
        (case when {{ parameter.feature }} is null then 1e0 else 0e0 end
        - {{ double_literal(parameter.center) }})
        * {{ double_literal(parameter.weight / parameter.scale) }}
    {%- else -%}
        coalesce(({{ transformed(parameter) }} - {{ double_literal(parameter.center) }})
        * {{ double_literal(parameter.weight / parameter.scale) }}, 0e0)
    {%- endif -%}
{%- endmacro %}

{# Squared Euclidean distance of a scaled row to the center of one cluster. #}
{% macro squared_distance(coordinates) -%}
    {%- for coordinate in coordinates -%}
        power({{ coordinate.feature }} - {{ double_literal(coordinate.value) }}, 2)
        {{- ' + ' if not loop.last }}
    {%- else -%}
        0e0
    {%- endfor -%}
{%- endmacro %}

{# Coordinate of a scaled row along one principal component. #}
{% macro principal_coordinate(loadings) -%}
    {%- for row in loadings -%}
        ({{ row.feature }} - {{ double_literal(row.center) }}) * {{ double_literal(row.loading) }}
        {{- ' + ' if not loop.last }}
    {%- else -%}
        0e0
    {%- endfor -%}
{%- endmacro %}
