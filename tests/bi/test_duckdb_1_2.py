"""The oldest DuckDB that can, pandas and pyarrow read the served copy as this one does."""

import duckdb

MARTS = """
    select table_schema || '.' || table_name from information_schema.tables
    where table_schema in ('marts', 'data_quality', 'audit') order by 1
"""
FIGURES = """
    select persona_key, entry_term, phase, n_population, expected_enrollments
    from marts.rpt_persona_enrollment order by 1, 2, 3
"""
BY_CLIENT = f"""
import duckdb, json, sys
with duckdb.connect(sys.argv[1], read_only=True) as copy:
    marts = [row[0] for row in copy.sql('''{MARTS}''').fetchall()]
    counts = {{mart: copy.sql(f'select count(*) from {{mart}}').fetchall()[0][0] for mart in marts}}
    figures = copy.sql('''{FIGURES}''').fetchall()
print(json.dumps({{"version": duckdb.__version__, "counts": counts, "figures": figures}}))
"""
BY_PANDAS = """
import json, sys
from pathlib import Path
import pandas as pd
parts = {path.stem: pd.read_parquet(path) for path in sorted(Path(sys.argv[1]).rglob('*.parquet'))}
scores = parts['fct_enrollment_scores']
print(json.dumps({
    'counts': {name: len(part) for name, part in parts.items()},
    'total': float(scores['probability'].sum()),
}))
"""


def count(copy, mart):
    return copy.execute(f"select count(*) from {mart}").fetchall()[0][0]


def test_an_old_client_reads_every_mart(served, ask):
    with duckdb.connect(str(served), read_only=True) as copy:
        marts = [row[0] for row in copy.sql(MARTS).fetchall()]
        counts = {mart: count(copy, mart) for mart in marts}
        figures = [list(row) for row in copy.sql(FIGURES).fetchall()]
    found = ask("duckdb_1_2", BY_CLIENT, served)
    assert found["version"].startswith("1.2.")
    assert len(counts) > 30
    assert found["counts"] == counts
    assert found["figures"] == figures


def test_pandas_reads_the_parquet_of_the_current_run(served, ask, current_parquet):
    with duckdb.connect(str(served), read_only=True) as copy:
        names = [row[0] for row in copy.sql(MARTS).fetchall()]
        counts = {name.split(".")[1]: count(copy, name) for name in names}
        total = copy.execute("select sum(probability) from marts.fct_enrollment_scores").fetchone()[
            0
        ]
    found = ask("duckdb_1_2", BY_PANDAS, current_parquet)
    assert found["counts"].items() <= counts.items()
    assert found["counts"]["fct_enrollment_scores"] > 0
    assert abs(found["total"] - total) < 1e-6
