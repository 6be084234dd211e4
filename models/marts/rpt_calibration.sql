with

calibration as (
    select * from {{ ref('ml_enrollment_calibration') }}
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
from calibration
cross join as_of
where calibration.n >= {{ var('min_cell') }}
