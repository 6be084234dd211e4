-- Without dates nothing can be placed in time: everything that the input holds counts as known, and
-- the marts say is_static.
{{ config(severity='warn') }}

select *
from {{ ref('int_as_of') }}
where is_static
