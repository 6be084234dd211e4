{# What the small tables of the contract hold: looked at as soon as they are read, before anything
   is made of them. Hooks of the input models. #}

{# One date missing among others is a slip, and would put the whole cycle at no day. Without any
   date the terms are put in order by the applications. #}
{% macro check_entry_terms() -%}
    {%- if execute -%}
        {%- set query -%}
            select
                terms.entry_term,
                {{ refused_value('terms', 'census_on') }} as census_text
            from {{ this }} as terms
            where terms.entry_term is not null
                and terms.census_on is null
                and (
                    {{ refused_value('terms', 'census_on') }} is not null
                    or exists (
                        select 1 from {{ this }} as others
                        where others.census_on is not null
                    )
                )
            order by terms.entry_term
            limit 1
        {%- endset -%}
        {%- for row in run_query(query).rows -%}
            {%- do stop(
                'the entry term ' ~ row[0] ~ ' in the table entry_terms has '
                ~ ('no census date' if row[1] is none
                    else 'the census date ' ~ row[1] ~ ', which is no day')
                ~ '; fill census_on with the day on which enrollment is counted (YYYY-MM-DD), or '
                ~ 'remove the row to have that day taken from the applications.'
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# Who stands on a line that can't be read would stay. #}
{% macro check_erasure_list() -%}
    {%- if execute -%}
        {%- set query -%}
            select source_file, line_number from {{ rejects_relation(this) }}
            order by source_file, line_number
            limit 1
        {%- endset -%}
        {%- for row in run_query(query).rows -%}
            {%- do stop(
                'line ' ~ row[1] ~ ' of the erasure list ' ~ row[0] ~ ' can not be read, and '
                ~ 'whoever it names would not be erased; give it as many values as the header has.'
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# The user's own features: plain names, codes that are known, columns that are there. #}
{% macro check_feature_catalog() -%}
    {%- if execute -%}
        {%- set query = 'select * from ' ~ this ~ ' where feature is not null order by feature' -%}
        {%- for row in run_query(query).rows -%}
            {%- set row = row.dict() -%}
            {%- set feature = row.feature | lower | trim -%}
            {%- do check_feature_name('feature', feature, reserved_feature_names()) -%}
            {%- if row.block -%}
                {%- do check_feature_name('block', row.block | lower | trim, []) -%}
            {%- endif -%}
            {%- for column in ['kind', 'transform', 'role', 'earliest_stage'] if row[column] -%}
                {%- do check_feature_code(feature, column, row[column]) -%}
            {%- endfor -%}
            {%- if not row.role or row.role | lower != 'never' -%}
                {%- do check_feature_source(feature, row.source_column) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# Two personas of one name could not be told apart. #}
{% macro check_persona_names() -%}
    {%- if execute -%}
        {%- set query -%}
            select min(persona_name) from {{ this }}
            where persona_name is not null
            group by lower(persona_name)
            having count(distinct lower(trim(persona_key))) > 1
            order by 1
            limit 1
        {%- endset -%}
        {%- for row in run_query(query).rows -%}
            {%- do stop(
                'persona_names gives the name ' ~ row[0] ~ ' to several personas; give each '
                ~ 'persona_key a name of its own.'
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# Features become columns, blocks become parts of names: plain words, none of the keys' own, and
   none that the engine reads as SQL. #}
{% macro check_feature_name(what, name, reserved) -%}
    {%- set is_plain = modules.re.fullmatch('[a-z][a-z0-9_]{0,59}', name) and '__' not in name -%}
    {%- if not is_plain -%}
        {%- do stop(
            'feature_catalog has a ' ~ what ~ ' named ' ~ name ~ '; use a name of lower-case '
            ~ 'letters, digits and single underscores that starts with a letter.'
        ) -%}
    {%- elif name in reserved or name.startswith('is_persona_') or name in words_of_sql() -%}
        {%- do stop(
            'feature_catalog has a ' ~ what ~ ' named ' ~ name ~ ', which is '
            ~ ('a word of SQL' if name in words_of_sql() else 'a name that the models use')
            ~ '; choose another, such as x_' ~ name ~ '.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{# Columns that stand beside features in the models that hold them. #}
{% macro reserved_feature_names() -%}
    {{ return([
        'application_code', 'application_id', 'as_of', 'category', 'days_to_census',
        'entry_term', 'feature', 'fold', 'has_just_begun', 'is_closed', 'is_enrollment_day',
        'is_open', 'is_present', 'is_primary', 'is_prospect', 'is_standing', 'is_static',
        'is_training_day', 'known_on', 'ladder', 'outcome', 'outcome_stage', 'persona_key',
        'person_code', 'person_id', 'phase', 'previous_entry_term', 'program', 'reached_rank',
        'residency', 'row_code', 'run_id', 'sample_rank', 'stage_since', 'target', 'term_order',
        'value', 'weight',
    ]) }}
{%- endmacro %}

{% macro words_of_sql() -%}
    {{ return(adapter.dispatch('words_of_sql', 'applicant_personas')()) }}
{%- endmacro %}

{% macro duckdb__words_of_sql() -%}
    {{ return(query_texts(
        "select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved'"
    )) }}
{%- endmacro %}

{# The reserved words of the standard that a feature might be called. #}
{% macro spark__words_of_sql() -%}
    {{ return([
        'all', 'and', 'any', 'array', 'as', 'between', 'both', 'by', 'case', 'cast', 'check',
        'column', 'create', 'cross', 'current_date', 'current_time', 'current_user', 'default',
        'distinct', 'else', 'end', 'except', 'exists', 'false', 'fetch', 'filter', 'for', 'from',
        'full', 'grant', 'group', 'having', 'in', 'inner', 'intersect', 'interval', 'into', 'is',
        'join', 'left', 'like', 'limit', 'natural', 'not', 'null', 'offset', 'on', 'only', 'or',
        'order', 'outer', 'primary', 'references', 'right', 'select', 'some', 'table', 'then',
        'to', 'trailing', 'true', 'union', 'unique', 'unknown', 'user', 'using', 'values', 'when',
        'where', 'with',
    ]) }}
{%- endmacro %}

{% macro check_feature_code(feature, column, code) -%}
    {%- set codes = contract_values('feature_catalog', column) -%}
    {%- if code | lower | trim not in codes -%}
        {%- do stop(
            'the ' ~ column ~ ' of the feature ' ~ feature ~ ' in feature_catalog is ' ~ code
            ~ '; give one of ' ~ codes | join(', ') ~ '.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{# A value comes from a column of the contract, from one that the source has, or from a model. #}
{% macro check_feature_source(feature, source_column) -%}
    {%- set names = (source_column or '') | lower | trim -%}
    {%- set table, _, column = names.partition('.') -%}
    {%- set brought = ['persons', 'applications', 'programs'] -%}
    {%- set made = [] -%}
    {%- for name in feature_source_models() if name.startswith('int_') -%}
        {%- do made.append(name) -%}
    {%- endfor -%}
    {%- if not column or table not in brought + made -%}
        {%- do stop(
            'the source_column of the feature ' ~ feature ~ ' in feature_catalog is '
            ~ (source_column or 'empty') ~ '; give a table and a column such as persons.x_grade, '
            ~ 'where the table is one of ' ~ (brought + made) | join(', ') ~ '.'
        ) -%}
    {%- endif -%}
    {%- if table in brought -%}
        {%- set known = find_contract_table(table).columns | map(attribute='name') | list -%}
        {%- for part in find_source(table).parts -%}
            {%- do known.extend(part.columns) -%}
        {%- endfor -%}
        {%- if column not in known -%}
            {%- do stop(
                'the feature ' ~ feature ~ ' in feature_catalog takes its value from ' ~ names
                ~ ', and the source of ' ~ table ~ ' has no such column; add the column or change '
                ~ 'source_column.'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
