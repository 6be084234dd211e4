{# Which cells of a table of counts are not published: the one place where that is decided.

   A cell of 1 to min_cell - 1 people is small. Small cells are hidden, and so many others that
   none can be computed from sums and differences:
   - along one dimension, a hidden cell that is alone in its line takes the smallest shown one with
     it, for the total tells their difference;
   - in a table of two dimensions and its totals a hidden cell is the corner of a rectangle that is
     hidden as a whole. People could be moved around its corners without changing any total.
   Zero is shown (nobody is told of), unless it is such a corner. #}

{% macro is_small(n) -%}
    ({{ n }} between 1 and {{ var('min_cell') - 1 }})
{%- endmacro %}

{# Cells with is_suppressed. `cells` has a row a cell: the columns of `within`, which tell one table
   from another, `column`, `row` (none: one dimension) and n. With two dimensions all combinations
   are needed and the totals, whose row or column is 'all'. #}
{% macro suppressed_cells(cells, within, column, row=none) -%}
    {%- if row is none -%}
    {{ suppressed_along(cells, within, column) }}
    {%- else -%}
    {%- set keys = within | join(', ') ~ ', ' if within else '' -%}
    with

    column_totals as (
        {{ suppressed_along('(select * from ' ~ cells ~ ' where ' ~ row ~ " = 'all' and " ~ column
            ~ " <> 'all')", within, column) }}
    ),

    row_totals as (
        {{ suppressed_along('(select * from ' ~ cells ~ ' where ' ~ column ~ " = 'all' and " ~ row
            ~ " <> 'all')", within, row) }}
    ),

    corners as (
        select distinct
            {%- for key in within %}
            cells.{{ key }},
            {%- endfor %}
            corner_rows.{{ row }},
            corner_columns.{{ column }}
        from {{ cells }} as cells
        {%- for name, dimension in [('row', row), ('column', column)] %}
        inner join {{ name }}_totals as own_{{ name }}
            on {{ same_keys('own_' ~ name, 'cells', within + [dimension]) }}
        inner join {{ name }}_totals as corner_{{ name }}s
            on {{ same_keys('corner_' ~ name ~ 's', 'cells', within) }}
            and own_{{ name }}.n_peopled > 1
            and corner_{{ name }}s.place
            in (own_{{ name }}.place, case when own_{{ name }}.place = 1 then 2 else 1 end)
        {%- endfor %}
        where {{ is_small('cells.n') }}
    )

    select
        cells.*,
        {{ is_small('cells.n') }}
        or corners.{{ row }} is not null
        -- A total tells the cells of a table that has only one line.
        or (cells.{{ row }} = 'all' or coalesce(column_lines.n_peopled, 0) <= 1)
        and coalesce(column_totals.is_suppressed, false)
        or (cells.{{ column }} = 'all' or coalesce(row_lines.n_peopled, 0) <= 1)
        and coalesce(row_totals.is_suppressed, false) as is_suppressed
    from {{ cells }} as cells
    left join corners on {{ same_keys('corners', 'cells', within + [row, column]) }}
    left join column_totals on {{ same_keys('column_totals', 'cells', within + [column]) }}
    left join row_totals on {{ same_keys('row_totals', 'cells', within + [row]) }}
    left join (select distinct {{ keys }}n_peopled from row_totals) as column_lines
        on {{ same_keys('column_lines', 'cells', within) }}
    left join (select distinct {{ keys }}n_peopled from column_totals) as row_lines
        on {{ same_keys('row_lines', 'cells', within) }}
    {%- endif -%}
{%- endmacro %}

{# One dimension; the first place has the smallest cell that is not small itself. #}
{% macro suppressed_along(cells, within, column) -%}
    {%- set by = 'partition by ' ~ within | join(', ') if within else '' -%}
    select
        *,
        {{ is_small('n') }} or n_small = 1 and place = 1 as is_suppressed
    from (
        select
            *,
            sum(case when {{ is_small('n') }} then 1 else 0 end) over ({{ by }}) as n_small,
            sum(case when n > 0 then 1 else 0 end) over ({{ by }}) as n_peopled,
            row_number() over (
                {{ by }}
                order by
                    case when n >= {{ var('min_cell') }} then 1 when n > 0 then 2 else 3 end asc,
                    n asc,
                    {{ column }} asc
            ) as place
        from {{ cells }} as counted
    ) as placed
{%- endmacro %}

{% macro same_keys(left, right, keys) -%}
    {%- for key in keys -%}
    {{ ' and ' if not loop.first }}{{ left }}.{{ key }} = {{ right }}.{{ key }}
    {%- else -%}
    true
    {%- endfor -%}
{%- endmacro %}
