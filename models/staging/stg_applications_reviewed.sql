{{ config(materialized='table') }}
with

numbered as (
    {{ numbered_copies(
        'applications', 'application_id',
        'case when entry_term is null then 1 else 0 end, ' ~ count_present([
            'started_at', 'submitted_at', 'completed_at', 'admitted_at', 'denied_at',
            'deposited_at', 'enrolled_at', 'withdrawn_at', 'current_stage',
            'scholarship_offer_amount',
        ]) ~ ' desc, submitted_at desc nulls last'
    ) }}
),

ids as (
    select * from {{ ref('stg_person_ids') }}
)

select
    numbered.*,
    ids.person_id as surviving_person_id,
    case
        when numbered.application_id is null or numbered.person_id is null then 'missing_key'
        {{ person_rule('ids') }}
        when numbered._copy > 1 then 'duplicate_key'
        when numbered.entry_term is null then 'missing_entry_term'
    end as diverted_by
from numbered
left join ids on numbered.person_id = ids.source_person_id
