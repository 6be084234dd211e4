-- Scores stand in columns of their own; each becomes a row. Someone with two applications has the
-- same sitting twice, with two ids: the project keeps one.
select
    "Application Reference" || '-' || test || '-' || component as score_id,
    "Person Reference" as person_id,
    test as test_code,
    component,
    value,
    strptime(taken, '%m/%d/%Y') as test_date
from source.applications
cross join lateral (
    values
        ('gre', 'verbal', "GRE Verbal", "GRE Date"),
        ('gre', 'quant', "GRE Quantitative", "GRE Date"),
        ('gre', 'analytical', "GRE Analytical Writing", "GRE Date"),
        ('toefl', 'total', "TOEFL Total", "TOEFL Date")
) as stated (test, component, value, taken)
where value is not null
