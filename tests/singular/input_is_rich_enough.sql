{{ config(severity=var('on_poor_input')) }}
/*
What is this? More than half of a required table's rows is left out, or a mart of the front door is
empty though nothing that the input lacks explains it.
When does it matter? What is built from the rest speaks for a few, or for nobody.
How to resolve it? The sentence says what and where; it is printed at the end of the build. Mend the
source, or relax the test by the var on_poor_input: warn.
*/
select sentence
from {{ ref('dq_build_summary') }}
where topic = 'poor_input'
