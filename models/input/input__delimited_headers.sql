{{ list_delimited_files() }}
