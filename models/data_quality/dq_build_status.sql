-- The hooks at the start and the end of a run write this row too: see macros/build_status.sql.
with

as_of as (
    select as_of from {{ ref('int_as_of') }}
)

{{ building_row('as_of.as_of') }}
from as_of
