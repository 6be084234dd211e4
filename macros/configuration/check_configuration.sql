{# Runs before every build: vars and input are looked at (names and headers only), and the first
   thing that can't work stops the run with a sentence: what, where, how to mend. #}
{% macro check_configuration() -%}
    {%- if execute -%}
        {%- do check_var_names() -%}
        {%- do check_vars() -%}
        {%- do check_phases() -%}
        {%- do check_input() -%}
    {%- endif -%}
{%- endmacro %}

{% macro stop(sentence) -%}
    {% do exceptions.raise_compiler_error('Configuration: ' ~ sentence) %}
{%- endmacro %}

{# Vars of the command line that nobody reads are misspelled. In a project that has this one
   installed they may be its own. #}
{% macro check_var_names() -%}
    {%- set known = known_vars() -%}
    {%- set given = invocation_args_dict.get('vars') or {} -%}
    {%- if project_name == 'applicant_personas' -%}
        {%- for name in given if name not in known -%}
            {%- do stop(
                'the var ' ~ name ~ ' given with --vars is unknown; the vars are '
                ~ known | join(', ') ~ '.'
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if given.get('input_path') and var('input_schema') -%}
        {%- do stop(
            'both input_path and input_schema are given; keep input_path to read files, or '
            ~ 'input_schema to read relations.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro known_vars() -%}
    {{ return([
        'input_path', 'input_database', 'input_schema', 'input_models', 'home_country',
        'institution_timezone',
        'as_of', 'as_of_offsets', 'settling_days', 'backtest_offset_days', 'n_personas',
        'mixed_below', 'on_poor_input', 'runs_kept', 'days_kept', 'changes_since',
        'change_threshold', 'export_path', 'phases', 'deferrals', 'training_rows', 'refit',
        'run_note', 'seed', 'leak_severity', 'min_cell', 'rows_at_once', 'serve_path',
    ]) }}
{%- endmacro %}

{% macro check_vars() -%}
    {%- do check_integer('n_personas', 2, 12, true) -%}
    {%- do check_integer('runs_kept', 1, 1000) -%}
    {%- do check_integer('days_kept', 1, 1000) -%}
    {%- do check_changes_since() -%}
    {%- do check_share('change_threshold') -%}
    {%- do check_export_path() -%}
    {%- do check_integer('min_cell', 1, 1000000) -%}
    {%- do check_integer('training_rows', 100, 1000000000) -%}
    {%- do check_integer('rows_at_once', 100, 1000000000) -%}
    {%- do check_integer('seed', 0, 2147483647) -%}
    {%- do check_integer('backtest_offset_days', 0, 3650) -%}
    {%- do check_integer('settling_days', 0, 3650) -%}
    {%- do check_offsets('as_of_offsets') -%}
    {%- do check_choice('deferrals', ['lost', 'enrolled', 'excluded']) -%}
    {%- do check_choice('leak_severity', ['warn', 'error']) -%}
    {%- do check_choice('on_poor_input', ['warn', 'error']) -%}
    {%- do check_choice('refit', ['auto', 'always', 'never']) -%}
    {%- do check_stored_model() -%}
    {%- do check_share('mixed_below') -%}
    {%- do check_country('home_country') -%}
    {%- do check_timezone('institution_timezone') -%}
    {%- do check_day('as_of') -%}
    {%- do check_serve_path() -%}
    {%- do check_relation_name('input_database') -%}
    {%- do check_relation_name('input_schema') -%}
{%- endmacro %}

{# Without a stored model nothing can be scored, and `never` lets nothing be fitted. Either part may
   have been built alone; a fit that misses its own stored model stops by itself. #}
{% macro check_stored_model() -%}
    {%- set stored = [] -%}
    {%- for fit in ['ml_persona_fit', 'ml_enrollment_fit'] -%}
        {%- do stored.append(
            adapter.get_relation(target.database, generate_schema_name('ml', none), fit)
        ) -%}
    {%- endfor -%}
    {%- if var('refit') == 'never' and not stored | reject('none') | list -%}
        {%- do stop(
            'the var refit is never, and the database holds no model yet; build once with '
            ~ 'refit: auto.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro check_integer(name, low, high, can_be_null=false) -%}
    {%- set value = var(name) -%}
    {%- set is_fine = is_whole_number(value) and low <= value <= high -%}
    {%- if not is_fine and not (can_be_null and value is none) -%}
        {%- do stop(
            'the var ' ~ name ~ ' is ' ~ value ~ '; give a whole number from ' ~ low ~ ' to '
            ~ high ~ (', or null to have it chosen.' if can_be_null else '.')
        ) -%}
    {%- endif -%}
{%- endmacro %}

{# Names of relations go to the adapter, which quotes them without a look at what they hold. #}
{% macro check_relation_name(name) -%}
    {%- set value = var(name) -%}
    {%- set identifier = '[\\w][\\w $.-]{0,127}' -%}
    {%- if value is not none and not modules.re.fullmatch(identifier, value | string) -%}
        {%- do stop(
            'the var ' ~ name ~ ' is ' ~ value ~ ', which is no name of a '
            ~ name.split('_')[1] ~ '; give a name of letters, digits, blanks, _, $, - and dots, '
            ~ 'or null.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{# The folder is swept before each set: it is never that of the database itself. #}
{% macro check_serve_path() -%}
    {%- set value = var('serve_path') -%}
    {%- set is_fine = value is string and value | trim('./ ') and '://' not in value -%}
    {%- if value is not none and not is_fine -%}
        {%- do stop(
            'the var serve_path is ' ~ value ~ '; give a folder of its own, such as serve or '
            ~ '/srv/personas, or null to publish nothing.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro is_whole_number(value) -%}
    {{ return(value is integer and value is not boolean) }}
{%- endmacro %}

{% macro check_offsets(name) -%}
    {%- set value = var(name) -%}
    {%- set problem = namespace(
        found=value is string or value is mapping or value is not sequence
    ) -%}
    {%- for days in ([] if problem.found else value) -%}
        {%- if not is_whole_number(days) or not 0 <= days <= 3650 or value.count(days) > 1 -%}
            {%- set problem.found = true -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if problem.found -%}
        {%- do stop(
            'the var ' ~ name ~ ' is ' ~ value ~ '; give a list of different whole numbers of days '
            ~ 'to census, from 0 to 3650, such as [120, 60], or [] for none.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro check_choice(name, choices) -%}
    {%- if var(name) not in choices -%}
        {%- do stop(
            'the var ' ~ name ~ ' is ' ~ var(name) ~ '; give one of ' ~ choices | join(', ') ~ '.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro check_share(name) -%}
    {%- set value = var(name) -%}
    {%- if not (value is number and value is not boolean and 0 <= value <= 1) -%}
        {%- do stop('the var ' ~ name ~ ' is ' ~ value ~ '; give a number from 0 to 1.') -%}
    {%- endif -%}
{%- endmacro %}

{% macro check_country(name) -%}
    {%- set value = var(name) -%}
    {%- if not modules.re.fullmatch('[A-Z]{2}', value | string) -%}
        {%- do stop(
            'the var ' ~ name ~ ' is ' ~ value ~ '; give a country code of two capital letters '
            ~ '(ISO 3166 alpha-2) such as US or DE.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro check_timezone(name) -%}
    {%- set value = var(name) -%}
    {%- if value is not none and not (value is string and is_timezone(value)) -%}
        {%- do stop(
            'the var ' ~ name ~ ' is ' ~ value ~ ', which is no time zone; give an IANA name '
            ~ 'such as America/New_York or Europe/Berlin, or null where times are UTC.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro is_timezone(name) -%}
    {{ return(adapter.dispatch('is_timezone', 'applicant_personas')(name)) }}
{%- endmacro %}

{% macro spark__is_timezone(name) -%}
    {{ return(modules.re.fullmatch('UTC|[A-Za-z_]+(/[A-Za-z0-9_+-]+)+', name) is not none) }}
{%- endmacro %}

{% macro duckdb__is_timezone(name) -%}
    {%- set found = run_query(
        'select 1 from pg_timezone_names() where name = ' ~ sql_string(name)
    ) -%}
    {{ return(found.rows | length > 0) }}
{%- endmacro %}

{% macro check_day(name) -%}
    {%- set value = var(name) -%}
    {%- if value is not none and not is_day(value | string) -%}
        {%- do stop(
            'the var ' ~ name ~ ' is ' ~ value ~ '; give a day as YYYY-MM-DD, or null for the '
            ~ 'last day in the input.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro check_changes_since() -%}
    {%- set value = var('changes_since') -%}
    {%- if not (is_whole_number(value) and 1 <= value <= 3650) and not is_day(value | string) -%}
        {%- do stop(
            'the var changes_since is ' ~ value ~ '; give a whole number of days from 1 to 3650, '
            ~ 'or a day as YYYY-MM-DD.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro check_export_path() -%}
    {%- set value = var('export_path') -%}
    {%- if value is not string or not value | trim -%}
        {%- do stop(
            'the var export_path is ' ~ value ~ '; give the folder that exports are written to, '
            ~ 'such as exports.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro is_day(text) -%}
    {%- if not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', text) -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set year, month, day = text[:4] | int, text[5:7] | int, text[8:] | int -%}
    {%- set is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) -%}
    {%- set lengths = [31, 29 if is_leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] -%}
    {{ return(year > 0 and 1 <= month <= 12 and 1 <= day <= lengths[month - 1]) }}
{%- endmacro %}
