-- depends_on: {{ ref('stg_feature_catalog') }}
{{ at_risk_rows('is_backtest_day') }}
