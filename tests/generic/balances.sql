{#
What is this? Lines whose rows out and rows diverted do not add up to the rows in.
When does it matter? Always: a row was lost, or counted twice, on its way to the marts.
How to resolve it? Compare the tables that the line names; look in dq_diverted_rows and
dq_rejected_records for the table. If every row is there, a count in dq_reconciliation is wrong.
#}
{% test balances(model) %}
select * from {{ model }}
where balanced is distinct from true
    or rows_in <> rows_out + rows_diverted
{% endtest %}
