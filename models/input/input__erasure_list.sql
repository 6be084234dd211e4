{{ config(
    materialized='view',
    post_hook=["select count(*) from {{ this }}", "{{ keep_rejects() }}"]
) }}

{{ read_input('erasure_list') }}
