{# Python that comes after a model's and dbt-duckdb's own. A model in Python has its arrays beside
  what DuckDB holds, so DuckDB gives most of it back before the model runs, and the model what it
  took when its rows are written. Where models run side by side, one may need what another would
  give away. #}
{% macro share_memory() %}
{%- set limit = (target.config_options or {}).get('memory_limit') if target.threads == 1 %}


def model(dbt, session, run=model):
    {{ limit_memory('session', '300MB' if limit) }}
    try:
        return run(dbt, session)
    except BaseException:
        {{ limit_memory('session', limit) }}
        raise


def materialize(df, con, write=materialize):
    from applicant_personas.memory import give_back

    try:
        write(df, con)
    finally:
        {{ limit_memory('con', limit) }}
        give_back()
{% endmacro %}

{% macro limit_memory(connection, limit) -%}
    {%- if limit -%}
        {{ connection }}.execute("set memory_limit = '{{ limit }}'")
    {%- else -%}
        pass
    {%- endif -%}
{%- endmacro %}
