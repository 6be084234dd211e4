{{ config(
    materialized='view',
    post_hook=[
        "select count(*) from {{ this }}", "{{ keep_rejects() }}", "{{ check_erasure_list() }}"
    ]
) }}

{{ read_input('erasure_list') }}
