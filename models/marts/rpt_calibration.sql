with

calibration as (
    select * from {{ ref('ml_enrollment_calibration') }}
),

shown as (
    select * from {{ ref('ml_suppressed_tests') }}
    where not is_suppressed and model = 'likelihood' and slice in ('all', 'persona')
),

-- Bins are of one size, so some of them would tell of the others.
measured as (
    select
        *,
        min(n) over (partition by test_cycle, phase, slice_value) as least_n
    from calibration
),

as_of as (
    select * from {{ ref('int_as_of') }}
)

select
    calibration.run_id,
    calibration.phase,
    calibration.test_cycle,
    calibration.slice_value,
    cast(calibration.bin as integer) as bin,
    cast(calibration.n as bigint) as n,
    round(calibration.mean_probability, 9) as mean_probability,
    round(calibration.actual_rate, 9) as actual_rate,
    round(calibration.lift, 9) as lift,
    round(calibration.cumulative_capture, 9) as cumulative_capture,
    as_of.is_static
from measured as calibration
inner join shown
    on calibration.test_cycle = shown.test_cycle
    and calibration.phase = shown.phase
    and calibration.slice_value = shown.slice_value
cross join as_of
where calibration.least_n >= {{ var('min_cell') }}
