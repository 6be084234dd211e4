{# In the library's order, which decides between baselines of the same AUC. #}
{% set baselines = {
    'stage_rate': 'the rate by stage',
    'persona_rate': 'the rate by persona',
    'previous_cycle_rate': 'the rate of the previous cycle',
    'logistic_regression': 'logistic regression',
} %}
{% set figures = {
    'auc': ('auc', 'value'),
    'auc_low': ('auc', 'low'),
    'auc_high': ('auc', 'high'),
    'auc_gain': ('auc_gain', 'value'),
    'auc_gain_low': ('auc_gain', 'low'),
    'auc_gain_high': ('auc_gain', 'high'),
    'log_loss_gain_low': ('log_loss_gain', 'low'),
    'expected_headcount': ('expected_headcount', 'value'),
    'actual_headcount': ('actual_headcount', 'value'),
    'ece': ('ece', 'value'),
    'calibration_slope': ('calibration_slope', 'value'),
} %}

with

shown as (
    select * from {{ ref('ml_suppressed_tests') }}
    where slice = 'all' and not is_suppressed
),

evaluation as (
    select evaluation.* from {{ ref('ml_enrollment_evaluation') }} as evaluation
    inner join shown
        on evaluation.test_cycle = shown.test_cycle
        and evaluation.phase = shown.phase
        and evaluation.model = shown.model
        and evaluation.slice = shown.slice
),

phases as (
    select * from {{ ref('int_phases_ranked') }}
),

entry_terms as (
    select * from {{ ref('int_entry_terms_ordered') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

-- A test too small for an AUC is none.
likelihood as (
    select
        run_id,
        phase,
        test_cycle,
        {%- for figure, (metric, column) in figures.items() %}
        max(case when metric = '{{ metric }}' then {{ column }} end) as {{ figure }},
        {%- endfor %}
        max(case when metric = 'auc' then n end) as n
    from evaluation
    where model = 'likelihood'
    group by run_id, phase, test_cycle
    having max(case when metric = 'auc' then 1 end) = 1
),

ranked_baselines as (
    select
        phase,
        test_cycle,
        model,
        value as auc,
        case model
            {%- for name, words in baselines.items() %}
            when '{{ name }}' then '{{ words }}'
            {%- endfor %}
        end as in_words,
        row_number() over (
            partition by phase, test_cycle
            order by
                value desc,
                case model
                    {%- for name in baselines %}
                    when '{{ name }}' then {{ loop.index }}
                    {%- endfor %}
                end asc
        ) as baseline_rank
    from evaluation
    where metric = 'auc'
        and model in (
            {%- for name in baselines %}
            '{{ name }}'{{ ',' if not loop.last }}
            {%- endfor %}
        )
),

-- The latest cycle first; a test within a cycle is of no term, and all cycles are no test.
tests as (
    select
        likelihood.*,
        baselines.model as best_baseline,
        baselines.auc as best_baseline_auc,
        baselines.in_words as baseline_in_words,
        entry_terms.entry_term is null as is_within_cycle,
        row_number() over (
            partition by likelihood.phase
            order by
                case when likelihood.test_cycle = 'all_cycles' then 1 else 0 end asc,
                entry_terms.term_order desc nulls last,
                likelihood.test_cycle asc
        ) as test_rank
    from likelihood
    left join ranked_baselines as baselines
        on likelihood.phase = baselines.phase
        and likelihood.test_cycle = baselines.test_cycle
        and baselines.baseline_rank = 1
    left join entry_terms on likelihood.test_cycle = entry_terms.entry_term
),

all_phases as (
    select phase from phases
    union
    select phase from tests
),

-- Whether a baseline is beaten is told by all cycles together, where there are any.
headlines as (
    select
        all_phases.phase as tested_phase,
        latest.*,
        latest.expected_headcount / latest.actual_headcount - 1 as headcount_miss,
        coalesce(together.log_loss_gain_low, latest.log_loss_gain_low) > 0 as beats_baseline,
        case
            when together.log_loss_gain_low is null
                then ' It does not beat ' || latest.baseline_in_words
            else ' Over all tested cycles it does not beat ' || together.baseline_in_words
        end as not_better
    from all_phases
    left join tests as latest
        on all_phases.phase = latest.phase
        and latest.test_cycle <> 'all_cycles'
        and latest.test_rank = 1
    left join tests as together
        on latest.phase = together.phase
        and together.test_cycle = 'all_cycles'
),

worded as (
    select
        *,
        case
            when round(auc_gain, 2) > 0 then {{ two_decimals('auc_gain') }} || ' above'
            when round(auc_gain, 2) < 0 then {{ two_decimals('-auc_gain') }} || ' below'
            when auc_gain is not null then 'level with'
        end || ' the best baseline (' || baseline_in_words || ')' as gain_in_words,
        cast(greatest(1, ceil(round(100 * abs(headcount_miss), 3))) as integer) as miss_percent
    from headlines
)

select
    worded.run_id,
    worded.tested_phase as phase,
    worded.test_cycle,
    cast(worded.n as bigint) as n,
    round(worded.auc, 9) as auc,
    round(worded.auc_low, 9) as auc_low,
    round(worded.auc_high, 9) as auc_high,
    worded.best_baseline,
    round(worded.best_baseline_auc, 9) as best_baseline_auc,
    round(worded.auc_gain, 9) as auc_gain,
    round(worded.auc_gain_low, 9) as auc_gain_low,
    round(worded.auc_gain_high, 9) as auc_gain_high,
    worded.beats_baseline,
    round(worded.expected_headcount, 9) as expected_headcount,
    cast(worded.actual_headcount as bigint) as actual_headcount,
    round(worded.headcount_miss, 9) as headcount_miss,
    round(worded.ece, 9) as ece,
    round(worded.calibration_slope, 9) as calibration_slope,
    case
        when worded.test_cycle is null
            then 'Not tested: no closed cycle has enough applications of either outcome.'
        else
            'AUC ' || {{ two_decimals('worded.auc') }}
            || coalesce(', ' || worded.gain_in_words, '')
            || '; headcount within ' || cast(worded.miss_percent as varchar) || ' %.'
            || case when worded.is_within_cycle
                then ' Tested within a cycle only, which is optimistic.' else '' end
            || case when not worded.beats_baseline
                then worded.not_better || ' beyond chance: use that instead.' else '' end
    end as sentence,
    as_of.is_static
from worded
cross join as_of
