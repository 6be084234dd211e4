{{ config(materialized='table') }}

with

programs as (
    select * from {{ ref('stg_programs_reviewed') }}
    where diverted_by is null
),

policies as (
    {{ codes_of('programs', 'test_policy') }}
),

applied_for as (
    select distinct program_code from {{ ref('stg_applications') }}
    where program_code is not null
),

named as (
    select mapped_program_code as program_code from programs
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
    programs.mapped_program_code is null as is_derived
    {{ extra_columns(ref('input__programs'), 'programs') }}
from named
left join programs on named.program_code = programs.mapped_program_code
left join policies on programs.test_policy = policies.code
