{%- set measures = ['english_level', 'gre_quant', 'gre_verbal', 'gre_writing', 'gmat_total'] %}

with

applications as (
    select * from {{ ref('int_applications_as_of') }}
),

stages_known as (
    select * from {{ ref('int_stages_known') }}
),

scores as (
    select * from {{ ref('int_scores_ranked') }}
),

waivers as (
    select
        application_id,
        coalesce(english_waived, false) as english_waived,
        coalesce(test_waived, false) as test_waived
    from {{ ref('stg_applications') }}
),

programs as (
    select * from {{ ref('stg_programs') }}
),

recording as (
    select
        {{ count_where("family = 'english'") }} > 0 as records_english,
        {{ count_where("family in ('gre', 'gmat')") }} > 0 as records_tests
    from scores
),

known_scores as (
    select
        applications.application_id,
        applications.known_on,
        scores.family,
        scores.measure,
        scores.measure_value,
        scores.preference,
        scores.is_usable
        and (scores.expires_on is null or applications.census_on is null
            or scores.expires_on > applications.census_on) as is_valid,
        scores.is_usable
    from applications
    inner join scores on applications.person_id = scores.person_id
    where scores.known_at is null
        or cast(scores.known_at as date) <= applications.known_on
),

-- Of what was known and valid on the day, the preferred score of each measure.
chosen as (
    select
        application_id,
        known_on,
        {%- for measure in measures %}
        min_by(
            measure_value, case when is_valid and measure = '{{ measure }}' then preference end
        ) as {{ measure }},
        {%- endfor %}
        max(case when family = 'english' and not is_usable then 1 else 0 end) as english_refused,
        max(case when family <> 'english' and not is_usable then 1 else 0 end) as tests_refused
    from known_scores
    group by application_id, known_on
)

select
    applications.application_id,
    applications.known_on,
    chosen.english_level,
    chosen.gre_quant,
    chosen.gre_verbal,
    chosen.gre_writing,
    chosen.gmat_total,
    case
        when not recording.records_english then null
        when chosen.english_level is not null then 'present'
        when waivers.english_waived then 'waived'
        when chosen.english_refused = 1 then 'invalid'
        when applications.is_domestic or not coalesce(programs.english_required, true)
            then 'not_required'
        when coalesce(stages_known.reached_rank, 0) < {{ stage_rank('complete') }} then 'pending'
        else 'withheld'
    end as english_missing_reason,
    case
        when not recording.records_tests then null
        when coalesce(chosen.gre_quant, chosen.gre_verbal, chosen.gmat_total) is not null
            then 'present'
        when waivers.test_waived then 'waived'
        when chosen.tests_refused = 1 then 'invalid'
        when programs.test_policy = 'not_used' then 'not_required'
        when programs.test_policy = 'required'
            and coalesce(stages_known.reached_rank, 0) < {{ stage_rank('complete') }}
            then 'pending'
        else 'withheld'
    end as test_missing_reason
from applications
cross join recording
left join chosen
    on applications.application_id = chosen.application_id
    and applications.known_on = chosen.known_on
left join stages_known
    on applications.application_id = stages_known.application_id
    and applications.known_on = stages_known.known_on
left join waivers on applications.application_id = waivers.application_id
left join programs on applications.program_code = programs.program_code
