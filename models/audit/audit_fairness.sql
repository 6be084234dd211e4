{#- What is worth a look, if it is beyond chance: four fifths, gaps of a tenth and a twentieth. #}
{%- set least_ratio, most_ratio, rate_gap, calibration_gap = 0.8, 1.25, 0.1, 0.05 %}
{#- An AUC from which on features tell a group well. #}
{%- set told_well = 0.7 %}
{#- metric: value, low, high, rows that it rests on, condition to be worth a look. #}
{%- set metrics = {
    'selection_rate': ('selection_rate', 'selection_low', 'selection_high', 'n_rows', 'false'),
    'selection_rate_ratio': (
        'selection_rate / nullif(reference_selection_rate, 0)',
        katz_bound('n_selected', 'n_rows', 'reference_n_selected', 'reference_n_rows', '-'),
        katz_bound('n_selected', 'n_rows', 'reference_n_selected', 'reference_n_rows', '+'),
        'n_rows',
        'value < ' ~ least_ratio ~ ' and high < 1 or value > ' ~ most_ratio ~ ' and low > 1',
    ),
    'true_positive_rate': ('positive_rate', 'positive_low', 'positive_high', 'n_positive', 'false'),
    'true_positive_rate_gap': (
        'positive_rate - reference_positive_rate',
        newcombe_bound(
            'positive_rate', 'positive_low', 'positive_high', 'reference_positive_rate',
            'reference_positive_low', 'reference_positive_high', '-'
        ),
        newcombe_bound(
            'positive_rate', 'positive_low', 'positive_high', 'reference_positive_rate',
            'reference_positive_low', 'reference_positive_high', '+'
        ),
        'n_positive',
        'abs(value) > ' ~ rate_gap ~ ' and (low > 0 or high < 0)',
    ),
    'calibration_gap': (
        'mean_likelihood - actual_rate', 'mean_likelihood - actual_high',
        'mean_likelihood - actual_low', 'n_rows',
        'abs(value) > ' ~ calibration_gap ~ ' and (low > 0 or high < 0)',
    ),
} %}
{%- set compared = ['selection_rate_ratio', 'true_positive_rate_gap'] %}

with

group_counts as (
    select * from {{ ref('audit_group_counts') }}
    where n_rows > 0
),

predictability as (
    select * from {{ ref('audit_attribute_predictability') }}
),

protected_attributes as (
    select * from {{ ref('stg_protected_attributes') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

sized as (
    select
        *,
        sum(n_rows) over (partition by attribute, group_value) as n_everywhere
    from group_counts
),

-- Of a rate of few who reached the outcome nothing is said.
rated as (
    select
        attribute,
        group_value,
        phase,
        is_suppressed,
        n_rows,
        n_selected,
        n_positive,
        mean_likelihood,
        {%- for name, n_part, n in [
            ('selection', 'n_selected', 'n_rows'), ('actual', 'n_positive', 'n_rows'),
            ('positive', 'n_positive_selected', 'n_positive'),
        ] %}
        case when {{ n }} >= {{ var('min_cell') }} then {{ n_part }} * 1e0 / {{ n }} end
            as {{ name }}_rate,
        case when {{ n }} >= {{ var('min_cell') }}
            then {{ wilson_bound(n_part, n, '-') }} end as {{ name }}_low,
        case when {{ n }} >= {{ var('min_cell') }}
            then {{ wilson_bound(n_part, n, '+') }} end as {{ name }}_high,
        {%- endfor %}
        row_number() over (
            partition by attribute, phase
            order by
                is_suppressed asc, case when group_value = 'unknown' then 1 else 0 end asc,
                n_everywhere desc, group_value asc
        ) as reference_rank
    from sized
),

-- The largest group, in all phases together, is what the others are compared with.
compared as (
    select
        rated.*,
        largest.group_value as reference_group
        {%- for column in [
            'n_rows', 'n_selected', 'selection_rate', 'positive_rate', 'positive_low',
            'positive_high',
        ] %},
        largest.{{ column }} as reference_{{ column }}
        {%- endfor %}
    from rated
    left join rated as largest
        on rated.attribute = largest.attribute
        and rated.phase = largest.phase
        and largest.reference_rank = 1
        and not largest.is_suppressed
),

measured as (
    {%- for metric, (value, low, high, n, condition) in metrics.items() %}
    select
        attribute, group_value, phase, '{{ metric }}' as metric, is_suppressed,
        {{ value }} as value,
        {%- if metric in compared %}
        reference_group,
        case when group_value <> reference_group then {{ low }} end as low,
        case when group_value <> reference_group then {{ high }} end as high,
        {%- else %}
        cast(null as varchar) as reference_group,
        {{ low }} as low,
        {{ high }} as high,
        {%- endif %}
        {{ n }} as n,
        cast(null as varchar) as told_by
    from compared
    union all
    {%- endfor %}
    select
        attribute, group_value, 'all' as phase, 'predictability' as metric, false as is_suppressed,
        auc as value, cast(null as varchar) as reference_group, low, high, n,
        case when low > 0.5 then told_by end as told_by
    from predictability
),

judged as (
    select
        *,
        case metric
            {%- for metric, (value, low, high, n, condition) in metrics.items() %}
            when '{{ metric }}' then {{ condition }}
            {%- endfor %}
            when 'predictability' then value >= {{ told_well }} and low > 0.5
        end as is_gap
    from measured
),

-- What could not be audited is said, for an empty table looks like a clean one.
not_audited as (
    select
        'protected_attributes' as attribute,
        'The input has no protected attributes: only residency is audited.' as note
    where not exists (select 1 from protected_attributes)
    union all
    select
        'likelihoods' as attribute,
        'No closed cycle has likelihoods of rows that the model did not see: only how well '
        || 'features tell an attribute is audited.' as note
    where not exists (select 1 from group_counts)
),

told as (
    select
        attribute,
        group_value,
        phase,
        metric,
        case when not is_suppressed then value end as value,
        case when not is_suppressed then low end as low,
        case when not is_suppressed then high end as high,
        case when not is_suppressed and value is not null then n end as n,
        reference_group,
        told_by,
        is_suppressed,
        not is_suppressed and coalesce(is_gap, false) as is_gap,
        case
            when is_suppressed
                then 'Hidden: fewer than {{ var("min_cell") }} people, or needed to hide a group '
                    || 'that has.'
            when value is null
                then 'Not told: fewer than {{ var("min_cell") }} of this group or of the '
                    || 'reference reached the outcome, or nobody was selected.'
            when metric in ('selection_rate_ratio', 'true_positive_rate_gap')
                and group_value = reference_group
                then 'The group that the others are compared with.'
            when not coalesce(is_gap, false) then null
            when metric = 'selection_rate_ratio'
                then 'Selected ' || {{ two_decimals('value') }} || ' times as often as '
                    || reference_group || '.'
            when metric = 'true_positive_rate_gap'
                then 'Of those who reached the outcome, '
                    || cast(cast(round(100 * abs(value)) as integer) as varchar) || ' in 100 '
                    || case when value < 0 then 'fewer' else 'more' end
                    || ' were selected than of ' || reference_group || '.'
            when metric = 'calibration_gap'
                then 'The likelihood is ' || {{ two_decimals('abs(value)') }}
                    || case when value < 0 then ' too low' else ' too high' end
                    || ' on average.'
            else 'The features tell this group'
                || coalesce(', ' || told_by || ' most', '') || '.'
        end as note
    from judged
    union all
    select
        attribute, 'all' as group_value, 'all' as phase, 'not_audited' as metric,
        cast(null as double) as value, cast(null as double) as low, cast(null as double) as high,
        cast(null as bigint) as n, cast(null as varchar) as reference_group,
        cast(null as varchar) as told_by, false as is_suppressed, false as is_gap, note
    from not_audited
)

select
    told.attribute,
    told.group_value as {{ quote_name('group') }},
    told.phase,
    told.metric,
    round(told.value, 9) as value,
    round(told.low, 9) as low,
    round(told.high, 9) as high,
    cast(told.n as bigint) as n,
    told.reference_group,
    told.told_by,
    told.is_suppressed as suppressed,
    told.is_gap,
    told.note,
    as_of.is_static
from told
cross join as_of
