{{ config(
    materialized='table', post_hook=["{{ keep_rejects() }}", "{{ check_persona_names() }}"]
) }}

{{ read_input('persona_names') }}
