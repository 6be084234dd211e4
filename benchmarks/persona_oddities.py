"""What personas say of odd data: how many, how sure, and the sentence that the mart shows.

`python benchmarks/persona_oddities.py` fits frames made in memory, without a database, and prints
the table of docs/personas.md. Twelve features in four blocks, 4,000 applicants unless told.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from personas import SEED, statistics

from applicant_personas.personas.fit import PERSONA_TYPES, PersonaSettings, fit_personas
from applicant_personas.rows import tidy

N, BLOCKS, PER_BLOCK = 4_000, 4, 3
WIDTH = BLOCKS * PER_BLOCK
Frame = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def noise(rng: np.random.Generator, n: int = N) -> Frame:
    return rng.normal(size=(n, WIDTH))


def groups(rng: np.random.Generator, n: int = N, k: int = 5) -> Frame:
    """Draw k groups of equal size that differ in every block, each column by about a deviation."""
    centers = rng.normal(scale=1.5, size=(k, WIDTH))
    return centers[rng.integers(0, k, n)] + noise(rng, n)


def one_factor(rng: np.random.Generator) -> Frame:
    """Draw one quality that everything follows, without a gap anywhere."""
    return rng.normal(size=(N, 1)) + 0.7 * noise(rng)


def one_binary(rng: np.random.Generator) -> Frame:
    """Draw noise, and one yes or no that a column of each other block goes with."""
    x, answer = noise(rng), rng.integers(0, 2, N)
    x[:, 0] = answer
    x[:, PER_BLOCK::PER_BLOCK] += 3.0 * answer[:, np.newaxis]
    return x


def one_binary_alone(rng: np.random.Generator) -> Frame:
    x = noise(rng)
    x[:, 0] = rng.integers(0, 2, N)
    return x


def heavy_tails(rng: np.random.Generator) -> Frame:
    """Draw groups, with a few far-out values in every column (Student's t, 1.5 degrees)."""
    return groups(rng) + 0.5 * rng.standard_t(1.5, size=(N, WIDTH))


def with_gaps(rng: np.random.Generator) -> Frame:
    x = groups(rng)
    x[rng.random(x.shape) < 0.6] = np.nan
    return x


KINDS: dict[str, Callable[[np.random.Generator], Frame]] = {
    "five groups (nothing odd)": groups,
    "pure noise": noise,
    "one-factor continuum": one_factor,
    "one dominating yes or no": one_binary,
    "a yes or no that nothing goes with": one_binary_alone,
    "heavy tails on five groups": heavy_tails,
    "five groups, 60 % missing": with_gaps,
    "five groups, 300 rows": lambda rng: groups(rng, 300),
    "pure noise, 300 rows": lambda rng: noise(rng, 300),
}


def found(x: Frame) -> dict[str, object]:
    """Fit personas on a frame, and tell what was chosen and why."""
    names = [f"f{column:02d}" for column in range(WIDTH)]
    rows = pd.DataFrame(x, columns=names)
    catalog = pd.DataFrame(
        {
            "feature": names,
            "block": [f"block {column // PER_BLOCK}" for column in range(WIDTH)],
            "kind": "number",
            "transform": "none",
            "absence_is_choice": False,
            "priority": 1,
        }
    )
    settings = PersonaSettings(None, SEED, refit="auto")
    nothing = tidy([], PERSONA_TYPES)
    fitted = fit_personas(rows, catalog, statistics(rows, catalog), nothing, settings)
    curve = fitted[fitted["record"] == "selection"]
    values = curve.pivot_table("value", "number", "metric")
    k = int(values.index[values["is_chosen"] == 1][0])
    told = curve[curve["number"] == k].set_index("metric")["text"]
    return {
        "k": k,
        "strength": values.loc[k, "prediction_strength"],
        "excess": values.loc[k, "excess_over_gaussian"],
        "verdict": told["verdict"],
        "sentence": told["reason"],
    }


def main() -> None:
    print(
        "| data | k | strength | excess | verdict | sentence |",
        "|---|---|---|---|---|---|",
        sep="\n",
    )
    for number, (name, draw) in enumerate(KINDS.items()):
        told = found(draw(np.random.default_rng((SEED, number))))
        cells = [
            f"{round(cell, 2) + 0.0:.2f}" if isinstance(cell, float) else str(cell)
            for cell in told.values()
        ]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
