{# A Python model has its arrays beside what DuckDB holds. So DuckDB gives most of it back before the
   model runs, and the model what it took when its rows are written. #}

{% macro lend_memory() -%}
    {%- do limit_memory('300MB') -%}
{%- endmacro %}

{% macro take_memory_back() -%}
    {%- do limit_memory(target.config_options.memory_limit) -%}
{%- endmacro %}

{# Where models run side by side, one may need what another would give away. #}
{% macro limit_memory(limit) -%}
    {%- if target.threads == 1 and (target.config_options or {}).get('memory_limit') -%}
        {%- do run_query("set memory_limit = '" ~ limit ~ "'") -%}
    {%- endif -%}
{%- endmacro %}

{# Python that comes after dbt-duckdb's own, whose function writes the rows. #}
{% macro give_back_after_writing() %}


def materialize(df, con, write=materialize):
    from applicant_personas.memory import give_back

    write(df, con)
    give_back()
{% endmacro %}
