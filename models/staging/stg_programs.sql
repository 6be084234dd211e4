{{ config(materialized='table') }}

with

programs as (
    select * from {{ ref('stg_programs_reviewed') }}
    where diverted_by is null
),

policies as (
    select code, value from {{ ref('xwalk_values') }} where code_set = 'test_policy'
),

applied_for as (
    select distinct program_code from {{ ref('stg_applications') }}
    where program_code is not null
),

named as (
    select program_code from programs
    union
    select program_code from applied_for
)

select
    named.program_code,
    programs.program_name,
    programs.level,
    programs.faculty,
    programs.mode,
    programs.load,
    programs.english_required,
    policies.value as test_policy,
    programs.capacity,
    programs.program_code is null as is_derived
    {{ extra_columns(ref('input__programs'), 'programs') }}
from named
left join programs on named.program_code = programs.program_code
left join policies on {{ code_key('programs.test_policy') }} = {{ code_key('policies.code') }}
