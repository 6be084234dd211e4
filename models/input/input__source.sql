select
    {{ sql_string(input_folder()) if reads_files() else 'cast(null as varchar)' }} as folder,
    {{ sql_string(project_folder()) }} as project
