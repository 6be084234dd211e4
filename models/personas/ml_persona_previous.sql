{{ config(materialized='view') }}

{{ stored_rows('ml_persona_fit') }}
