{%- set keys = reviewed_keys() -%}
{%- set tables = keys.keys() | list + crosswalks().keys() | list -%}
{%- set judged = {
    'test_scores': ['int_scores_harmonized', 'value'],
    'education_records': ['int_education_harmonized', 'gpa'],
} -%}

with

diverted as (
    select
        table_name,
        rule,
        cast(sum(n_rows) as bigint) as n_rows
    from {{ ref('dq_diverted_rows') }}
    group by table_name, rule
),

-- Counted in the source itself, in the table read from it, among the lines refused, and among
-- the rows of erased people.
input_tables as (
    {%- for table in tables + ['erasure_list', 'feature_catalog', 'persona_names'] %}
    select
        '{{ table }}' as table_name,
        {{ source_records(table) }} as rows_in,
        (select count(*) from {{ ref('input__' ~ table) }}) as rows_out,
        (
            select count(*) from {{ ref('input__rejected_rows') }} as rejected
            where rejected.table_name = '{{ table }}'
        )
        + coalesce(
            (
                select sum(withheld.n_rows) from {{ ref('input__withheld_rows') }} as withheld
                where withheld.table_name = '{{ table }}'
            ), 0
        ) as rows_diverted
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- Counted in the table above, in the table below, and in the list of what was diverted between.
staging_tables as (
    {%- for table in tables + ['feature_catalog', 'persona_names'] %}
    select
        '{{ table }}' as table_name,
        (select count(*) from {{ ref('input__' ~ table) }}) as rows_in,
        (
            select count(*)
            from {{ ref('stg_crosswalks_reviewed' if table in crosswalks() else 'stg_' ~ table) }}
            {%- if table in crosswalks() %}
            where crosswalk = '{{ table }}' and origin = 'user' and diverted_by is null
            {%- elif table == 'stage_events' %}
            where event_source = 'stage_events'
            {%- elif table in ('entry_terms', 'programs') %}
            where not is_derived
            {%- elif table == 'feature_catalog' %}
            where origin = 'user'
            {%- endif %}
        ) as rows_out,
        coalesce(
            (
                select sum(diverted.n_rows) from diverted
                where diverted.table_name = '{{ table }}'
                    and diverted.rule not in ('person_deleted', 'after_as_of')
            ), 0
        ) as rows_diverted
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

staging_rules as (
    {%- for table in keys %}
    select
        '{{ table }}' as table_name,
        diverted_by as rule,
        count(*) as rows_in
    from {{ ref('stg_' ~ table ~ '_reviewed') }}
    where diverted_by is not null
    group by diverted_by
    union all
    {%- endfor %}
    select
        crosswalk as table_name,
        diverted_by as rule,
        count(*) as rows_in
    from {{ ref('stg_crosswalks_reviewed') }}
    where origin = 'user' and diverted_by is not null
    group by crosswalk, diverted_by
),

issues as (
    select
        table_name,
        rule,
        count(case when decision = 'repaired' then row_key end) as n_repaired,
        count(case when decision = 'refused' then row_key end) as n_refused
    from {{ ref('dq_score_issues') }}
    -- Once a row: what is said of the whole field, or of a scale beside the grade, is no other row.
    where (table_name = 'test_scores' and column_name = 'value')
        or (table_name = 'education_records' and column_name = 'gpa_value'
            and rule <> 'field_off_scale')
        or (table_name = 'education_records' and column_name = 'gpa_scale_max'
            and rule like 'scale!_%' escape '!')
    group by table_name, rule
),

harmonized as (
    {%- for table, (model, column) in judged.items() %}
    select
        '{{ table }}' as table_name,
        '{{ model }}' as model_name,
        rule,
        is_usable
    from {{ ref(model) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

intermediate_tables as (
    {%- for table, (model, column) in judged.items() %}
    select
        '{{ model }}' as table_name,
        (select count(*) from {{ ref('stg_' ~ table) }}) as rows_in,
        (select count(*) from {{ ref(model) }} where is_usable) as rows_out,
        coalesce(
            (select sum(issues.n_refused) from issues where issues.table_name = '{{ table }}'), 0
        ) as rows_diverted
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

intermediate_rules as (
    select
        harmonized.model_name as table_name,
        harmonized.rule,
        count(*) as rows_in,
        max(coalesce(issues.n_repaired, 0)) as rows_out,
        max(coalesce(issues.n_refused, 0)) as rows_diverted
    from harmonized
    left join issues
        on harmonized.table_name = issues.table_name
        and harmonized.rule = issues.rule
    where harmonized.rule is not null
    group by harmonized.model_name, harmonized.rule
),

objectors as (
    select person_id from {{ ref('stg_persons') }}
    where profiling_objection
),

candidates as (
    select phase, application_id from {{ ref('ml_at_risk') }}
    where is_enrollment_day and outcome is null
),

scores as (
    select phase, application_id from {{ ref('fct_enrollment_scores') }}
    where outcome is null
),

spine as (
    select distinct application_id, person_id, has_objection
    from {{ ref('int_applications_as_of') }}
    where is_persona_snapshot and not is_prospect
),

-- Whose outcome is still to come; closed cycles are scored when a run tests them.
at_risk as (
    select
        outcomes.phase,
        outcomes.application_id,
        objectors.person_id is not null as has_objection,
        runs.outcome in ('fitted', 'rate_only') as has_model
    from {{ ref('int_outcomes_labeled') }} as outcomes
    left join objectors on outcomes.person_id = objectors.person_id
    left join {{ ref('ml_enrollment_runs') }} as runs
        on outcomes.phase = runs.phase
        and runs.kind = 'enrollment'
    where outcomes.is_enrollment_day and outcomes.outcome is null
),

-- From what staging accepted to the people who are described.
feature_rules as (
    select
        'ftr_applicants' as table_name,
        'profiling_objection' as rule,
        (
            select count(*) from {{ ref('stg_applications') }} as applications
            inner join objectors on applications.person_id = objectors.person_id
            inner join spine on applications.application_id = spine.application_id
        ) as rows_in,
        0 as rows_out,
        (select count(*) from spine where has_objection) as rows_diverted
    union all
    select
        'ftr_applicants' as table_name,
        'not_known_on_the_day' as rule,
        (select count(*) from {{ ref('stg_applications') }})
        - (select count(*) from spine) as rows_in,
        0 as rows_out,
        (
            select count(*) from {{ ref('stg_applications') }} as applications
            left join spine on applications.application_id = spine.application_id
            where spine.application_id is null
        ) as rows_diverted
),

feature_tables as (
    select
        'ftr_applicants' as table_name,
        (select count(*) from {{ ref('stg_applications') }}) as rows_in,
        (
            select count(*) from {{ ref('ftr_applicants') }}
            where is_persona_snapshot and not is_prospect
        ) as rows_out,
        (select sum(feature_rules.rows_diverted) from feature_rules) as rows_diverted
),

people as (
    select distinct person_id, entry_term from {{ ref('int_applications_as_of') }}
    where is_persona_snapshot and not has_objection
),

mart_rules as (
    select
        'fct_applicant_personas' as table_name,
        'no_persona_feature' as rule,
        (
            select count(*) from people
            where not exists (select 1 from {{ ref('dim_personas') }})
        ) as rows_in,
        0 as rows_out,
        (select count(*) from people)
        - (select count(*) from {{ ref('fct_applicant_personas') }}) as rows_diverted
    union all
    select
        'fct_enrollment_scores' as table_name,
        'profiling_objection' as rule,
        (select count(*) from at_risk where has_objection) as rows_in,
        0 as rows_out,
        (select count(*) from at_risk)
        - (select count(*) from candidates) as rows_diverted
    union all
    select
        'fct_enrollment_scores' as table_name,
        'phase_without_model' as rule,
        (
            select count(*) from at_risk
            where not has_objection and not coalesce(has_model, false)
        ) as rows_in,
        0 as rows_out,
        (
            select count(*) from candidates
            left join scores
                on candidates.phase = scores.phase
                and candidates.application_id = scores.application_id
            where scores.application_id is null
        ) as rows_diverted
),

mart_tables as (
    select
        'fct_applicant_personas' as table_name,
        (select count(*) from people) as rows_in,
        (select count(*) from {{ ref('fct_applicant_personas') }}) as rows_out,
        (
            select count(*) from people
            where not exists (select 1 from {{ ref('dim_personas') }})
        ) as rows_diverted
    union all
    select
        'fct_enrollment_scores' as table_name,
        (select count(*) from at_risk) as rows_in,
        (select count(*) from scores) as rows_out,
        (
            select sum(mart_rules.rows_diverted) from mart_rules
            where mart_rules.table_name = 'fct_enrollment_scores'
        ) as rows_diverted
),

diverted_rules as (
    select
        staging_rules.table_name,
        staging_rules.rule,
        staging_rules.rows_in,
        0 as rows_out,
        coalesce(diverted.n_rows, 0) as rows_diverted
    from staging_rules
    left join diverted
        on staging_rules.table_name = diverted.table_name
        and staging_rules.rule = diverted.rule
),

lines as (
    {%- for layer, part, rule in [
        ('input', 'input_tables', "'all'"),
        ('staging', 'staging_tables', "'all'"),
        ('staging', 'diverted_rules', 'rule'),
        ('intermediate', 'intermediate_tables', "'all'"),
        ('intermediate', 'intermediate_rules', 'rule'),
        ('features', 'feature_tables', "'all'"),
        ('features', 'feature_rules', 'rule'),
        ('marts', 'mart_tables', "'all'"),
        ('marts', 'mart_rules', 'rule'),
    ] %}
    select
        '{{ layer }}' as layer, table_name, {{ rule }} as rule, rows_in, rows_out, rows_diverted
    from {{ part }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    layer,
    table_name as {{ quote_name('table') }},
    rule,
    cast(rows_in as bigint) as rows_in,
    cast(rows_out as bigint) as rows_out,
    cast(rows_diverted as bigint) as rows_diverted,
    rows_in = rows_out + rows_diverted as balanced
from lines
