-- depends_on: {{ ref('stg_feature_catalog') }}
{{ at_risk_rows('is_backtest_day or (is_enrollment_day and not is_open)') }}
