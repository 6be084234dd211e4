"""What the as-of spine costs: everything that is known of each application on each day.

Builds the layers below it, then measures the intermediate layer alone, in a process of its own:
`python benchmarks/as_of_spine.py --persons 1000000`. The days are those of the project: the four
of `as_of_offsets` and the open cycle's own, in four cycles.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
from processes import arguments, dbt, generate, model_seconds, print_models, ready, selected

BELOW = ("models/input", "python_models/input", "models/staging")
SPINE = ("models/intermediate",)


def measure(folder: Path, persons: int) -> None:
    files = generate(folder, persons)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        place = Path(scratch) / "spine"
        dbt("seed", place, files)
        dbt("run", place, files, *selected(BELOW))
        cost = dbt("run", place, files, "--threads", "2", *selected(SPINE))
        print_models(model_seconds(place))
        with duckdb.connect(str(place / "warehouse.duckdb"), read_only=True) as connection:
            counted = connection.execute(
                "select count(*), count(distinct application_id), count(distinct entry_term)"
                " from intermediate.int_applications_as_of"
            ).fetchone()
    assert counted is not None
    print("{:,} snapshots of {:,} applications and prospects in {} cycles".format(*counted))
    print(f"dbt process {cost}")


def main() -> None:
    given = arguments(__doc__).parse_args()
    measure(ready(given.folder), given.persons)


if __name__ == "__main__":
    main()
