{{ config(materialized='table', post_hook="{{ keep_rejects() }}") }}

{{ read_input('xwalk_values') }}
