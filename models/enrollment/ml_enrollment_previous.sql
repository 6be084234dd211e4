{{ config(materialized='view') }}

{{ stored_rows('ml_enrollment_fit') }}
