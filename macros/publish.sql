{# At the end of a run: the copy of the public marts that readers open is renewed. Only after a
   build of everything with its data tests, in which no step failed; else it stays, and the run says
   so. #}
{% macro publish_marts() -%}
    {%- if flags.WHICH == 'build' and is_writing_marts() and can_publish() -%}
        {%- set folder = serve_folder() -%}
        {%- set stays = folder ~ '/personas.duckdb stays as it is.' -%}
        {%- set troubles = results
            | rejectattr('status', 'in', ['success', 'pass', 'warn', 'no-op']) | list -%}
        {%- set marts = [] -%}
        {%- set left_out = [] -%}
        {%- for node in graph.nodes.values() if node.package_name == 'applicant_personas' -%}
            {%- set is_mart = node.config.access == 'public' -%}
            {%- do marts.append(node) if is_mart -%}
            {%- do left_out.append(node.name)
                if (is_mart or node.resource_type == 'test')
                and node.unique_id not in selected_resources -%}
        {%- endfor -%}
        {%- if troubles -%}
            {%- do log(
                'Not published: ' ~ troubles | length ~ ' of ' ~ results | length
                ~ ' steps failed or were skipped; ' ~ stays, info=true
            ) -%}
        {%- elif left_out -%}
            {%- do log(
                'Not published: that takes a build of all marts with their data tests; ' ~ stays,
                info=true
            ) -%}
        {%- else -%}
            {%- set any_relation = relation_of('dim_personas') -%}
            {%- do adapter.store_relation('publish', any_relation, [], folder, 'duckdb', {
                'nodes': marts,
                'facts': {
                    'run': run_started_at.strftime('%Y%m%dT%H%M%S') ~ '-' ~ invocation_id[:8],
                    'feature_labels': relation_of('stg_feature_catalog') | string,
                    'min_cell': var('min_cell'),
                },
            }) -%}
            {%- do log(
                'Published: ' ~ folder ~ '/personas.duckdb, ' ~ marts | length ~ ' marts.',
                info=true
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# Where there is a file of DuckDB, a folder to publish to, and the plugin in the profile. #}
{% macro can_publish() -%}
    {%- set plugins = (target.get('plugins') or []) | map(attribute='module') | list -%}
    {{ return(
        var('serve_path') is not none
        and 'applicant_personas.publish' in plugins
        and ':' not in target.path
    ) }}
{%- endmacro %}

{# A relative serve_path is beside the database, so that each database has its own copy. #}
{% macro serve_folder() -%}
    {%- set beside, slash, _ = target.path.rpartition('/') -%}
    {{ return(
        var('serve_path') if var('serve_path').startswith('/')
        else beside ~ slash ~ var('serve_path')
    ) }}
{%- endmacro %}
