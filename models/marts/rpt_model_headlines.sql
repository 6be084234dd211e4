{# In the library's order, which decides between baselines of the same AUC. #}
{% set baselines = {
    'stage_rate': 'the rate by stage',
    'persona_rate': 'the rate by persona',
    'previous_cycle_rate': 'the rate of the previous cycle',
    'logistic_regression': 'logistic regression',
} %}
{% set figures = {
    'auc': ['value', 'low', 'high'],
    'auc_gain': ['value', 'low', 'high'],
    'log_loss_gain': ['low'],
    'expected_headcount': ['value'],
    'actual_headcount': ['value'],
    'ece': ['value'],
    'calibration_slope': ['value'],
} %}

with

evaluation as (
    select * from {{ ref('ml_enrollment_evaluation') }}
    where slice = 'all'
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
tests as (
    select
        phase,
        test_cycle,
        run_id,
        n
    from evaluation
    where model = 'likelihood' and metric = 'auc'
),

-- A test within a cycle is of no term, hence the last choice.
ranked_tests as (
    select
        tests.phase,
        tests.test_cycle,
        tests.run_id,
        tests.n,
        entry_terms.entry_term is null as is_within_cycle,
        row_number() over (
            partition by tests.phase
            order by entry_terms.term_order desc nulls last, tests.test_cycle asc
        ) as test_rank
    from tests
    left join entry_terms on tests.test_cycle = entry_terms.entry_term
    where tests.test_cycle <> 'all_cycles'
),

likelihood as (
    select
        phase,
        test_cycle,
        {%- for metric, columns in figures.items() %}
        {%- set is_last_metric = loop.last %}
        {%- for column in columns %}
        max(case when metric = '{{ metric }}' then {{ column }} end)
            as {{ metric }}{{ '_' ~ column if column != 'value' }}
        {{- ',' if not (is_last_metric and loop.last) }}
        {%- endfor %}
        {%- endfor %}
    from evaluation
    where model = 'likelihood'
    group by phase, test_cycle
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
        end as words,
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
    where metric = 'auc' and model in ('{{ baselines.keys() | join("', '") }}')
),

compared as (
    select
        likelihood.*,
        baselines.model as best_baseline,
        baselines.auc as best_baseline_auc,
        baselines.words
    from likelihood
    left join ranked_baselines as baselines
        on likelihood.phase = baselines.phase
        and likelihood.test_cycle = baselines.test_cycle
        and baselines.baseline_rank = 1
),

all_phases as (
    select phase from phases
    union
    select phase from ranked_tests
),

-- Whether a baseline is beaten is told by all cycles together, where there are any.
headlines as (
    select
        all_phases.phase,
        tests.run_id,
        tests.test_cycle,
        tests.is_within_cycle,
        tests.n,
        {%- for metric, columns in figures.items() if metric != 'log_loss_gain' %}
        {%- for column in columns %}
        compared.{{ metric }}{{ '_' ~ column if column != 'value' }},
        {%- endfor %}
        {%- endfor %}
        compared.best_baseline,
        compared.best_baseline_auc,
        compared.words,
        compared.expected_headcount / compared.actual_headcount - 1 as headcount_miss,
        coalesce(together.log_loss_gain_low, compared.log_loss_gain_low) > 0 as beats_baseline,
        case when together.log_loss_gain_low is null then compared.words else together.words end
            as words_instead
    from all_phases
    left join ranked_tests as tests
        on all_phases.phase = tests.phase
        and tests.test_rank = 1
    left join compared
        on tests.phase = compared.phase
        and tests.test_cycle = compared.test_cycle
    left join compared as together
        on tests.phase = together.phase
        and together.test_cycle = 'all_cycles'
),

worded as (
    select
        *,
        case
            when round(auc_gain, 2) > 0 then {{ two_decimals('auc_gain') }} || ' above'
            when round(auc_gain, 2) < 0 then {{ two_decimals('-auc_gain') }} || ' below'
            else 'level with'
        end as gain_in_words,
        cast(greatest(1, ceil(round(100 * abs(headcount_miss), 3))) as integer) as miss_percent
    from headlines
)

select
    worded.run_id,
    worded.phase,
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
            || coalesce(
                ', ' || worded.gain_in_words || ' the best baseline (' || worded.words || ')', ''
            )
            || '; headcount within ' || cast(worded.miss_percent as varchar) || ' %.'
            || case
                when worded.is_within_cycle
                    then ' Tested within a cycle only, which is optimistic.'
                else ''
            end
            || case
                when not worded.beats_baseline
                    then ' It does not beat ' || worded.words_instead || ': use that instead.'
                else ''
            end
    end as sentence,
    as_of.is_static
from worded
cross join as_of
