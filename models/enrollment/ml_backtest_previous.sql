{{ config(materialized='view') }}

{{ stored_rows('ml_backtest_fit') }}
