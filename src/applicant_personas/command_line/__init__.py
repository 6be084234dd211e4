"""The command line, which knows dbt and DuckDB; the library beside it knows neither."""
