{# At the end of a run: which rules of which tables were found broken, one line each. #}
{% macro tell_broken_rules() -%}
    {%- if execute -%}
        {%- for result in results
               if result.status in ['fail', 'warn'] and result.failures
               and result.node.test_metadata and result.node.test_metadata.name == 'is_sound' -%}
            {%- for rule, n_broken in run_query(result.node.compiled_code).rows -%}
                {%- do log(
                    result.node.name ~ ': ' ~ rule ~ ', broken by ' ~ n_broken ~ '.', info=true
                ) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
