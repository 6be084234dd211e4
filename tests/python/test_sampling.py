"""A sample drawn by a bound on the draw holds the rows that putting all in order would."""

from __future__ import annotations

from types import ModuleType

import duckdb
import jinja2
import pytest
from warehouse import ROOT


@pytest.fixture(scope="module")
def macros() -> ModuleType:
    environment = jinja2.Environment(autoescape=False)
    environment.globals |= {
        "var": {"seed": 7}.get,
        "stable_hash": lambda text: f"cast('0x' || substr(md5({text}), 1, 15) as bigint)",
        "double_literal": lambda value: f"{value:.17e}",
    }
    return environment.from_string((ROOT / "macros/sampling.sql").read_text()).module


@pytest.mark.parametrize("size", [100, 5_000, 25_000])
@pytest.mark.parametrize("n", [40, 30_000, 400_000])
@pytest.mark.parametrize("rows_each", [1, 5])
def test_few_more_rows_than_the_sample_are_put_in_order(
    macros: ModuleType, size: int, n: int, rows_each: int
) -> None:
    """Also where all rows of an application draw the same."""
    with duckdb.connect() as connection:
        connection.execute(
            f"create table drawn as select {macros.sample_draw('id')} as draw"
            f" from (select 'A' || (i // {rows_each}) as id from range({n}) as numbers (i))"
        )
        put_in_order, largest = connection.execute(
            f"select count(*), max(draw) from drawn where {macros.may_be_sampled('draw', n, size)}"
        ).fetchall()[0]
        ((last_of_sample,),) = connection.execute(
            f"select max(draw) from (select draw from drawn order by draw limit {size})"
        ).fetchall()
    assert largest >= last_of_sample
    assert min(n, size) <= put_in_order <= 1.5 * size + 2_000
