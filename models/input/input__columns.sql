{{ list_columns() }}
