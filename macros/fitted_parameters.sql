{# Fitted parameters are rows. These macros read the rows and write them into SQL as literals, so
   that the compiled model shows every number an applicant's figures were made with. #}

{% macro fitted_rows(model, order_by, where='true') -%}
    {%- set relation = load_relation(ref(model)) -%}
    {%- set rows = [] -%}
    {%- if execute and relation is not none -%}
        {%- for row in run_query(
            'select * from ' ~ relation ~ ' where ' ~ where ~ ' order by ' ~ order_by
        ) -%}
            {%- set values = row.dict() -%}
            {%- for name, value in values.items() if value is number and value is not integer -%}
                {%- do values.update({name: value | float}) -%}
            {%- endfor -%}
            {%- do rows.append(values) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(rows) }}
{%- endmacro %}

{# The columns of the persona space. A stored model may be of an earlier catalog: what the present
   one does not let shape personas counts as unknown for everyone. #}
{% macro persona_columns() -%}
    {%- set shaping = shaping_features() | map(attribute='feature') | list -%}
    {%- set columns = fitted_rows('ml_persona_columns', order_by='column_name') -%}
    {{ return(columns | selectattr('feature', 'in', shaping) | list) }}
{%- endmacro %}

{# Centers of personas as {key: {column: coordinate}}. #}
{% macro centers_by_key(rows) -%}
    {%- set centers = {} -%}
    {%- for row in rows -%}
        {%- do centers.setdefault(row.persona_key, {}).update({row.column_name: row.value}) -%}
    {%- endfor -%}
    {{ return(centers) }}
{%- endmacro %}

{# Further from the mean nothing counts: the same limit as in the fit. #}
{% macro clip_limit() -%}{{ return(4) }}{%- endmacro %}

{# A value standardized, clipped and times the square root of its weight. Missing stays missing. #}
{% macro weighted_value(column) -%}
    {%- set root = column.weight ** 0.5 -%}
    {%- set feature = quote_name(column.feature) -%}
    {%- if column.parameter_kind == 'value' -%}
        {%- set raw = transformed(column, feature) -%}
    {%- elif column.parameter_kind == 'missing' -%}
        {%- set raw = 'case when ' ~ feature ~ ' is null then 1e0 else 0e0 end' -%}
    {%- else -%}
        {%- set raw -%}
            case {{ feature }} = {{ sql_string(column.level) }}
                when true then 1e0 when false then 0e0
            end
        {%- endset -%}
    {%- endif -%}
    case when {{ feature }} is not null or {{ column.parameter_kind == 'missing' }} then
        least({{ clip_limit() }}, greatest(-{{ clip_limit() }},
            ({{ raw }} - {{ double_literal(column.center) }}) / {{ double_literal(column.scale) }}
        )) * {{ double_literal(root) }}
    end
{%- endmacro %}

{# The columns of the weighted space with 0 for what is missing, and beside each that can be missing
   1 where it is known, else 0. #}
{% macro filled_columns(columns) -%}
    {%- for column in columns -%}
        {%- set name = column.column_name %},
        {% if column.parameter_kind == 'missing' -%}
        {{ name }}
        {%- else -%}
        coalesce({{ name }}, 0e0) as {{ name }},
        case when {{ name }} is null then 0e0 else 1e0 end as {{ name }}__known
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{# 1 where a filled column is known; a flag of what is missing always is. #}
{% macro is_known(column) -%}
    {{ '1e0' if column.parameter_kind == 'missing' else column.column_name ~ '__known' }}
{%- endmacro %}

{# Weight of the observed columns of a filled row, as a share of all weight. #}
{% macro observed_share(columns) -%}
    {%- set total = columns | sum(attribute='weight') -%}
    {%- for column in columns -%}
        {{ double_literal(column.weight / total) }} * {{ is_known(column) }}
        {{- ' + ' if not loop.last }}
    {%- else -%}
        1e0
    {%- endfor -%}
{%- endmacro %}

{# Squared length of a filled row. #}
{% macro squared_length(columns) -%}
    {%- for column in columns -%}
        {{ column.column_name }} * {{ column.column_name }}{{ ' + ' if not loop.last }}
    {%- else -%}
        0e0
    {%- endfor -%}
{%- endmacro %}

{# Squared distance of a filled row to a center, over what is known, less the row's squared length:
   (value - center)^2 multiplied out, which costs a third. `center` is {column: coordinate}. #}
{% macro beyond_length(columns, center) -%}
    {%- set always = namespace(sum=0.0) -%}
    {%- for column in columns -%}
        {%- set value = center[column.column_name] -%}
        {%- if column.parameter_kind == 'missing' -%}
            {%- set always.sum = always.sum + value * value -%}
        {%- else -%}
            {{ double_literal(value * value) }} * {{ column.column_name }}__known +{{ ' ' }}
        {%- endif -%}
        {{ double_literal(-2 * value) }} * {{ column.column_name }} +{{ ' ' }}
    {%- endfor -%}
    {{ double_literal(always.sum) }}
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
