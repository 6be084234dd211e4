{# At the end of a run that made dq_build_summary: its headlines, under 25 lines with the title. #}
{% macro print_build_summary() -%}
    {%- set most_lines = 22 -%}
    {%- if execute and flags.WHICH in ['build', 'run'] -%}
        {%- for result in results
               if result.node.unique_id == 'model.applicant_personas.dq_build_summary'
               and result.status == 'success' -%}
            {%- set query -%}
                select topic, sentence from {{ result.node.relation_name }}
                where is_headline
                order by line_number
            {%- endset -%}
            {%- set lines = run_query(query).rows -%}
            {%- do log('What this build did (all of it is in dq_build_summary):', info=true) -%}
            {%- for topic, sentence in lines[:most_lines] -%}
                {%- do log('  ' ~ topic | replace('_', ' ') ~ ': ' ~ sentence, info=true) -%}
            {%- endfor -%}
            {%- if lines | length > most_lines -%}
                {%- do log('  and ' ~ (lines | length - most_lines) ~ ' more.', info=true) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
