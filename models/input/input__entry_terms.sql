{{ config(
    materialized='table', post_hook=["{{ keep_rejects() }}", "{{ check_entry_terms() }}"]
) }}

{{ read_input('entry_terms') }}
