{{ config(severity='warn') }}
/*
What is this? Codes in the data that no crosswalk maps, and crosswalk rows of your own that can't be
used for them.
When does it matter? When n is large: rows of such a code are kept, but it says nothing; events of
an unknown stage are left out.
How to resolve it? Put a file beside the tables of your input, one for each set of codes:
xwalk_stages.csv (columns code,stage), xwalk_tests.csv (code,test_code), xwalk_components.csv
(code,component), xwalk_interaction_types.csv (code,interaction_type, and channel,weight for a type
of your own), xwalk_countries.csv (code,country) or xwalk_values.csv (code_set,code,value) for the
rest. Give it a row for each code, such as `Fully Accepted,admitted`, and build again. The values
that there are: seeds/crosswalks. Rows of yours that can't be used are in dq_diverted_rows.
*/
select code_set, code, n, example_key, reason from {{ ref('dq_unmapped_codes') }}
