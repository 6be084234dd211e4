with

contacts as (
    select
        *,
        round(probability, 2) as told_probability,
        md5(application_id) as application_code,
        md5(concat_ws(
            '|', entry_term, program_name, phase, stage, coalesce(persona_name, ''), person_id
        )) as state_code
    from {{ ref('rpt_contact_list') }}
),

exported as (
    {{ exported_rows() }}
),

compared as (
    select
        contacts.*,
        exported.probability as exported_probability,
        exported.exported_at,
        case
            when exported.application_code is null then 'new'
            when exported.state_code <> contacts.state_code then 'state'
            when round(abs(contacts.told_probability - exported.probability), 9)
                >= {{ var('change_threshold') }} then 'likelihood'
        end as changed
    from contacts
    left join exported on contacts.application_code = exported.application_code
)

select
    application_id,
    as_of,
    person_id,
    entry_term,
    program_code,
    program_name,
    phase,
    stage,
    persona_key,
    persona_name,
    told_probability as probability,
    band,
    raising_reason,
    lowering_reason,
    changed,
    exported_probability,
    exported_at,
    application_code,
    state_code
from compared
where changed is not null
