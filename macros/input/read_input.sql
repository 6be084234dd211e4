{# The SQL of one input model: the columns of the contract, typed, then the x_ columns of the
   source, then `_refused`, the values that could not be typed. Rows of erased people, and those
   not known yet on the day, stay out. #}
{% macro read_input(table_name) -%}
    {%- set withheld = erased_conditions(table_name) -%}
    {%- if late_condition(table_name) -%}
        {%- do withheld.append(late_condition(table_name)) -%}
    {%- endif -%}
    {%- set erased = ref('input__erased_person_ids') if table_name in reviewed_keys() -%}
    {%- set parts = find_readable_parts(table_name) -%}
    {%- if not execute -%}
        {{ return('select 1 as parsed') }}
    {%- endif -%}
    {%- set erased = erased if somebody_may_be_erased() -%}
    {%- set x_columns = find_x_columns(parts) -%}
    {%- if target.type == 'duckdb' -%}
        {%- do forget_rejects(table_name) -%}
        {%- do plan_many_columns() if x_columns | length > 200 -%}
    {%- endif -%}
    select delivered.*
    from (
        {{ select_parts(find_contract_table(table_name), parts, x_columns, erased) }}
    ) as delivered
    {%- for condition in withheld %}
    {{ 'where' if loop.first else 'and' }} not {{ condition }}
    {%- endfor %}
{%- endmacro %}

{# DuckDB looks for expressions that repeat in a time that grows with the square of their number:
   a minute for 5,000 columns, without which nothing else changes. #}
{% macro plan_many_columns() -%}
    {%- do run_query("set disabled_optimizers = 'common_subexpressions'") -%}
{%- endmacro %}

{# Some columns of a table of the contract, typed, straight from its source. #}
{% macro read_columns(table_name, names) -%}
    {%- set parts = find_readable_parts(table_name) -%}
    {%- if not execute -%}
        {{ return('select 1 as parsed') }}
    {%- endif -%}
    {%- set columns = find_contract_table(table_name).columns
        | selectattr('name', 'in', names) | list -%}
    {%- set table = {'name': 'some_' ~ table_name, 'columns': columns} -%}
    {{ select_parts(table, parts, {}) }}
{%- endmacro %}

{# `erased`: the relation of erased people's ids, where x_ columns may hold one. #}
{% macro select_parts(table, parts, x_columns, erased=none) -%}
    {%- for part in parts %}
    {{ select_typed(table, part, x_columns, erased) }}
    {{ 'union all' if not loop.last }}
    {%- else %}
    {{ select_typed(table, {'kind': 'absent', 'columns': {}}, x_columns, erased) }}
    {%- endfor -%}
{%- endmacro %}

{# x_ columns of all parts: {name: type}; text where the parts disagree. #}
{% macro find_x_columns(parts) -%}
    {%- set types = {} -%}
    {%- for part in parts -%}
        {%- for name, column in part.columns.items() if name.startswith('x_') -%}
            {%- set is_same = types.get(name, column.type) == column.type -%}
            {%- do types.update({name: column.type if is_same else 'varchar'}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(types) }}
{%- endmacro %}

{# Clean values inside, typed ones around them, and what was lost between the two outside. #}
{% macro select_typed(table, part, x_columns, erased) -%}
    {%- set columns = [] -%}
    {%- for column in table.columns -%}
        {%- do columns.append(typed_column(column, part.columns.get(column.name))) -%}
    {%- endfor -%}
    {%- set naming = [] -%}
    {%- for name, type in x_columns.items()
           if erased and name in part.columns and may_hold_an_id(type) -%}
        {%- do naming.append(name) -%}
    {%- endfor -%}
    select
        {%- for column in columns %}
        {{ value_in_range(column) }} as {{ quote_name(column.name) }},
        {%- endfor %}
        {%- for name in x_columns %}
        {%- if name in naming %}
        case when not {{ quote_name('erased ' ~ name) }} then {{ quote_name(name) }} end as
        {%- endif %}
        {{ quote_name(name) }},
        {%- endfor %}
        {{ refused_values(columns, naming) }} as _refused
    from (
        select
            source.*
            {%- for column in columns if column.can_refuse %},
            {{ column.typed }} as {{ quote_name(column.name) }}
            {%- endfor %}
            {%- for name in naming %},
            {{ is_erased_id('source.' ~ quote_name(name), erased) }}
                as {{ quote_name('erased ' ~ name) }}
            {%- endfor %}
        from (
            select
                {%- for column in columns %}
                {{ column.clean }} as {{ quote_name(column.clean_name) }}
                {{- ',' if not loop.last or x_columns }}
                {%- endfor %}
                {%- for name, type in x_columns.items() %}
                {{ x_value(part.columns.get(name), type) }} as {{ quote_name(name) }}
                {{- ',' if not loop.last }}
                {%- endfor %}
            {{ from_part(part, table.name) }}
        ) as source
    ) as typed
{%- endmacro %}

{% macro from_part(part, table_name) -%}
    {%- if part.kind == 'csv' -%}
        from {{ read_csv_relation(part, table_name) }}
    {%- elif part.kind == 'parquet' -%}
        from {{ read_parquet_relation(part) }}
    {%- elif part.kind == 'records' -%}
        from {{ read_records_relation(part) }}
    {%- elif part.kind == 'relation' -%}
        from {{ part.relation }}
    {%- else -%}
        where 1 = 0
    {%- endif -%}
{%- endmacro %}

{% macro x_value(source, type) -%}
    {%- if not source -%}
        cast(null as {{ type }})
    {%- elif type == 'varchar' -%}
        {{ blank_to_null('cast(' ~ source.expression ~ ' as varchar)') }}
    {%- else -%}
        {{ source.expression }}
    {%- endif -%}
{%- endmacro %}

{# How a column of the contract is made: `clean` is the source value without blanks, `typed` its
   value in the type of the contract. Where a native type always fits, the two are one. #}
{% macro typed_column(column, source) -%}
    {%- set family = type_family(source.type) if source else 'absent' -%}
    {%- set direct = direct_cast(column.type, family, source.expression if source) -%}
    {%- set bounds = bounds_of(family) -%}
    {%- set can_refuse = source and column.type != 'varchar'
        and (not direct or column.range or bounds) -%}
    {%- set clean = clean_value(column.type, family, source.expression)
        if not direct else source.expression if can_refuse else direct -%}
    {%- set clean_name = 'raw ' ~ column.name if can_refuse else column.name -%}
    {%- set is_float = column.type == 'double' and family == 'float' -%}
    {{ return({
        'name': column.name,
        'clean': clean,
        'clean_name': clean_name,
        'typed': finite_or_null(quote_name(clean_name)) if is_float
            else within(bounds, comparable(family, quote_name(clean_name)), direct_cast(
                column.type, family, quote_name(clean_name)
            )) if direct
            else try_cast(quote_name(clean_name), column.type),
        'can_refuse': can_refuse,
        'range': column.range,
    }) }}
{%- endmacro %}

{# The value to be typed: text, but for doubles, whose only fault is to be infinite. Writers of
   data frames mark a missing number as NaN. #}
{% macro clean_value(type, family, expression) -%}
    {%- if type == 'double' and family == 'float' -%}
        {{ return("nullif(cast(" ~ expression ~ " as double), cast('nan' as double))") }}
    {%- endif -%}
    {{ return(blank_to_null(
        expression if family == 'text'
        else number_as_text(expression) if family in ('float', 'decimal')
        else 'cast(' ~ expression ~ ' as varchar)'
    )) }}
{%- endmacro %}

{# Native days go on to the year 5,881,580, further than other types can follow. #}
{% macro bounds_of(family) -%}
    {%- set literal = {
        'date': 'date', 'timestamp': 'timestamp', 'zoned_timestamp': 'timestamp with time zone',
    }.get(family) -%}
    {%- if literal -%}
        {%- set time, zone = ' 00:00:00' if family != 'date' else '',
            '+00' if family == 'zoned_timestamp' else '' -%}
        {{ return([
            literal ~ " '0001-01-02" ~ time ~ zone ~ "'",
            literal ~ " '9999-12-31" ~ time ~ zone ~ "'"
        ]) }}
    {%- endif -%}
{%- endmacro %}

{# Moments of other precisions are compared as those of the usual one. #}
{% macro comparable(family, expression) -%}
    {{ return(
        'try_cast(' ~ expression ~ ' as timestamp)' if family == 'timestamp' else expression
    ) }}
{%- endmacro %}

{# A value where what it is made of is between two others: looked at before anything is cast. #}
{% macro within(bounds, expression, value) -%}
    {%- if bounds -%}
        {{ return(
            'case when ' ~ expression ~ ' between ' ~ bounds[0] ~ ' and ' ~ bounds[1]
            ~ ' then ' ~ value ~ ' end'
        ) }}
    {%- endif -%}
    {{ return(value) }}
{%- endmacro %}

{# A typed value, unless it is out of the range that the contract gives the column. #}
{% macro value_in_range(column) -%}
    {%- set name = quote_name(column.name) -%}
    {{ return(within(column.range, name, name) if column.can_refuse else name) }}
{%- endmacro %}

{% macro type_family(type) -%}
    {%- set base = type.split('(')[0] | trim -%}
    {{ return(
        'text' if base == 'varchar'
        else 'boolean' if base in ('boolean', 'bool')
        else 'integer' if base in ('tinyint', 'smallint', 'integer', 'int', 'utinyint', 'usmallint')
        else 'big_integer' if base in ('bigint', 'uinteger', 'ubigint', 'hugeint', 'uhugeint')
        else 'float' if base in ('double', 'float', 'real')
        else 'decimal' if base in ('decimal', 'numeric')
        else 'date' if base == 'date'
        else 'zoned_timestamp' if base == 'timestamp with time zone'
        else 'timestamp' if base.startswith('timestamp')
        else 'other'
    ) }}
{%- endmacro %}

{# The expression where a native type always fits; none where text has to be tried. #}
{% macro direct_cast(type, family, expression) -%}
    {%- if family == 'absent' -%}
        {{ return('cast(null as ' ~ type ~ ')') }}
    {%- elif family == type and type in ('boolean', 'date') -%}
        {{ return(expression) }}
    {%- elif type == 'timestamp' and family == 'timestamp' -%}
        {{ return(local_to_utc('cast(' ~ expression ~ ' as timestamp)')) }}
    {%- elif type == 'timestamp' and family == 'date'
        or type == 'date' and family == 'timestamp'
        or type == 'integer' and family == 'integer'
        or type == 'double' and family in ('integer', 'big_integer', 'decimal') -%}
        {{ return('cast(' ~ expression ~ ' as ' ~ type ~ ')') }}
    {%- elif family == 'zoned_timestamp' and type in ('timestamp', 'date') -%}
        {{ return('cast(' ~ zoned_to_utc(expression) ~ ' as ' ~ type ~ ')') }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{% macro zoned_to_utc(expression) -%}
    {{ return(adapter.dispatch('zoned_to_utc', 'applicant_personas')(expression)) }}
{%- endmacro %}

{# The zone of a session is UTC. #}
{% macro spark__zoned_to_utc(expression) -%}
    cast({{ expression }} as timestamp)
{%- endmacro %}

{% macro duckdb__zoned_to_utc(expression) -%}
    timezone('UTC', {{ expression }})
{%- endmacro %}

{% macro finite_or_null(expression) -%}
    case when {{ expression }} between -1e300 and 1e300 then {{ expression }} end
{%- endmacro %}

{# Identifiers that a data frame turned into 17.0 are 17 again; NaN is missing. #}
{% macro number_as_text(expression) -%}
    case
        when cast({{ expression }} as double) = floor(cast({{ expression }} as double))
            and abs({{ expression }}) < 1e15
            then cast(cast({{ expression }} as bigint) as varchar)
        else nullif(cast({{ expression }} as varchar), 'nan')
    end
{%- endmacro %}

{# Null for nearly every row, so the list is built only where a value was refused. #}
{% macro refused_values(columns, naming) -%}
    {%- set columns = columns | selectattr('can_refuse') | list -%}
    {%- set conditions = [] -%}
    {%- for column in columns -%}
        {%- do conditions.append(is_refused(column)) -%}
    {%- endfor -%}
    {%- for name in naming -%}
        {%- do conditions.append(quote_name('erased ' ~ name)) -%}
    {%- endfor -%}
    {%- if not conditions -%}
        cast(null as {{ refused_type() }})
    {%- else -%}
        case
            when {{ conditions | join('\n                or ') }}
                then {{ without_nulls(refused_structs(columns, naming)) }}
        end
    {%- endif -%}
{%- endmacro %}

{% macro is_refused(column) -%}
    ({{ quote_name(column.clean_name) }} is not null and {{ value_in_range(column) }} is null)
{%- endmacro %}

{% macro refused_type() -%}
    struct(column_name varchar, raw_value varchar)[]
{%- endmacro %}

{# Of a value that is an erased person's id, its column alone. #}
{% macro refused_structs(columns, naming) -%}
    [
            {%- for column in columns %}
            case
                when {{ is_refused(column) }}
                    then {
                        'column_name': {{ sql_string(column.name) }},
                        'raw_value': cast({{ quote_name(column.clean_name) }} as varchar)
                    }
            end{{ ',' if not loop.last or naming }}
            {%- endfor %}
            {%- for name in naming %}
            case
                when {{ quote_name('erased ' ~ name) }}
                    then {
                        'column_name': {{ sql_string(name) }},
                        'raw_value': cast(null as varchar)
                    }
            end{{ ',' if not loop.last }}
            {%- endfor %}
        ]
{%- endmacro %}

{% macro without_nulls(list) -%}
    list_filter({{ list }}, lambda item: item is not null)
{%- endmacro %}
