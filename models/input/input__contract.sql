{{ list_contract_columns() }}
