{{ config(
    materialized='table', post_hook=["{{ keep_rejects() }}", "{{ check_feature_catalog() }}"]
) }}

{{ read_input('feature_catalog') }}
