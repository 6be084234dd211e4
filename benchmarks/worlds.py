"""Worlds of planted applicants, made from the input contract alone.

A second opinion beside `applicant-personas sample`: another cast of archetypes, and other ways for
them to differ. `python benchmarks/worlds.py DIR --seed 1 --overlap high` writes the contract's
tables into DIR and the archetype of each person into DIR/truth. Each world draws

- 4 to 8 archetypes out of ten, one of about 4 % of all persons; some differ from everyone in most
  blocks, some in one or two;
- for each archetype how its traits hang together, within blocks and across them;
- a trait or two in which no archetype differs (`--nuisance`);
- persons between two archetypes: 3 % of them where overlap is slight, 8 % where it is low and 25 %
  where it is high; the more overlap, the nearer archetypes also are to the average applicant.

Counts have heavy tails. Which tests and answers are missing depends on the archetype; that a grade,
a score or an answer got lost does not.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Array = np.ndarray[Any, Any]

BLOCKS = {
    "grades": "preparation",
    "english": "english",
    "quant": "tests",
    "verbal": "tests",
    "writing": "tests",
    "gmat": "tests",
    "experience": "profile",
    "intent": "intent",
    "virtual": "engagement",
    "in_person": "engagement",
    "digital": "engagement",
    "staff": "engagement",
    "effort": "timing",
    "lead": "timing",
}
TRAITS = tuple(BLOCKS)
ABILITY = ("grades", "english", "quant", "verbal", "writing", "gmat")
DRIVE = ("intent", "virtual", "in_person", "digital", "staff", "effort", "lead")


@dataclass(frozen=True)
class Archetype:
    """Shares of its people, and its traits in deviations from the average applicant."""

    traits: Mapping[str, float]
    domestic: float = 0.5
    gre: float = 0.45
    gmat: float = 0.05
    answers: float = 0.5
    alumnus: float = 0.05
    stealth: float = 0.15


CAST = {
    # Comes from the bachelor's next door, tests waived, knows the campus.
    "continuing_here": Archetype(
        {"grades": 0.5, "experience": -1.5, "in_person": 1.3, "intent": 1.2, "effort": -1.0},
        domestic=0.85, gre=0.05, answers=0.75, alumnus=0.9, stealth=0.1,
    ),
    # Works by day and studies in the evening: years of work, calls, and a late application.
    "evening_professional": Archetype(
        {"grades": -0.8, "experience": 1.9, "staff": 1.2, "virtual": 0.6, "lead": -1.3},
        domestic=0.9, gre=0.05, gmat=0.1, answers=0.6, stealth=0.1,
    ),
    # A ministry pays: modest English, middling tests, everything early and through an office.
    "sponsored_abroad": Archetype(
        {"english": -1.3, "verbal": -1.1, "experience": 0.9, "digital": -0.9, "lead": 1.6},
        domestic=0.0, gre=0.4, answers=0.2, stealth=0.5,
    ),
    # The highest scores, sent to a dozen universities without a word.
    "collects_offers": Archetype(
        {"grades": 1, "quant": 1.5, "english": 0.9, "intent": -1.6, "digital": -0.9, "staff": -0.7},
        domestic=0.05, gre=0.95, answers=0.3, stealth=0.6,
    ),
    # Wants a doctorate later: writes well, asks professors, takes months over the application.
    "future_researcher": Archetype(
        {"grades": 1.2, "verbal": 1.1, "writing": 1.5, "staff": 0.9, "effort": 1.2},
        domestic=0.6, gre=0.85, stealth=0.05,
    ),
    # An agent files it: quick, anonymous, little English, no tests.
    "filed_by_agent": Archetype(
        {"english": -1.2, "grades": -0.7, "effort": -1.6, "digital": -1.1, "virtual": -0.9},
        domestic=0.0, gre=0.1, answers=0.1, stealth=0.7,
    ),
    # Management: a GMAT, interviews and a career.
    "aims_at_management": Archetype(
        {"gmat": 0.6, "experience": 1.2, "staff": 1.0},
        domestic=0.5, gre=0.05, gmat=0.85, answers=0.55, stealth=0.1,
    ),
    # As everyone else, but at every fair and open day.
    "visitor": Archetype({"in_person": 1.9, "intent": 0.7}, domestic=0.6, answers=0.7, stealth=0.0),
    # As everyone else, but lives in the portal and in webinars.
    "online_regular": Archetype({"digital": 1.7, "virtual": 1.6}, domestic=0.4, stealth=0.0),
    # As everyone else, but decides in the last weeks.
    "last_minute": Archetype({"lead": -2.0, "effort": -1.3}, domestic=0.5, stealth=0.3),
}  # fmt: skip
SPREAD = {"slight": 1.5, "low": 1.0, "high": 0.65}
BETWEEN = {"slight": 0.03, "low": 0.08, "high": 0.25}
SMALLEST = 0.04

YEARS = (2022, 2023, 2024, 2025, 2026)
KNOWN_UNTIL = pd.Timestamp("2026-05-15")
ABROAD = {"IN": 0.4, "CN": 0.3, "DE": 0.12, "GB": 0.1, "NG": 0.08}
# Best grade, lowest that passes, mean, standard deviation, direction.
SCALES = {
    "US": (4.0, 2.0, 3.3, 0.35, "high_best"),
    "IN": (10.0, 4.0, 7.8, 0.8, "high_best"),
    "CN": (100.0, 60.0, 83.0, 6.0, "high_best"),
    "DE": (1.0, 4.0, 2.1, 0.5, "low_best"),
    "GB": (100.0, 40.0, 62.0, 7.0, "high_best"),
    "NG": (5.0, 1.0, 3.6, 0.6, "high_best"),
}
# Mean, standard deviation, step, least, greatest.
ENGLISH = {
    "toefl_ibt": (92.0, 11.0, 1.0, 40.0, 120.0),
    "ielts": (7.0, 0.7, 0.5, 4.0, 9.0),
    "duolingo": (118.0, 12.0, 5.0, 60.0, 160.0),
}
GRE = {
    "quant": (158.0, 6.0, 1.0, 130.0, 170.0),
    "verbal": (153.0, 7.0, 1.0, 130.0, 170.0),
    "writing": (3.8, 0.7, 0.5, 0.5, 6.0),
}
GMAT = (600.0, 70.0, 10.0, 200.0, 800.0)
# Mean number a person, and the types it comes as.
CONTACTS = {
    "virtual": (0.9, ("webinar",)),
    "in_person": (0.7, ("open_day", "campus_visit", "fair")),
    "digital": (6.0, ("form", "portal_login", "email_click")),
    "staff": (0.9, ("call", "chat", "interview")),
}
PROGRAMS = ("data_science", "public_health", "engineering", "management", "linguistics")


class World:
    """One world: who is in it, and what they are like."""

    def __init__(self, seed: int, persons: int, overlap: str, nuisance: int | None = None) -> None:
        self.rng = np.random.default_rng([seed, persons, sorted(SPREAD).index(overlap)])
        self.n = persons
        self.spread = SPREAD[overlap]
        names = self.rng.permutation(list(CAST))[: self.rng.integers(4, 9)].tolist()
        others = self.rng.dirichlet(np.full(len(names) - 1, 6.0))
        share = np.append((1 - SMALLEST) * (0.4 * others + 0.6 / len(others)), SMALLEST)
        quiet = self.rng.integers(0, 3) if nuisance is None else nuisance
        self.nuisance = set(self.rng.permutation(TRAITS)[:quiet].tolist())
        group = self.rng.choice(len(names), self.n, p=share)
        other = (group + self.rng.integers(1, len(names), self.n)) % len(names)
        # A person between two archetypes is still nearer to their own.
        leans = np.where(self.rng.random(self.n) < BETWEEN[overlap], self.uniform(0.2, 0.45), 0.0)
        self.archetype = np.array(names)[group]
        self.chance = self._chances(names, group, share)
        self.traits = self._traits(names, group, other, leans)
        self.person_id = np.array([f"W{number:06d}" for number in range(self.n)])

    def uniform(self, low: float, high: float) -> Array:
        """Draw a number a person."""
        return self.rng.uniform(low, high, self.n)

    def happens(self, chance: float | Array) -> Array:
        """Draw a yes or no a person."""
        return self.rng.random(self.n) < chance

    def _chances(self, names: list[str], group: Array, share: Array) -> dict[str, Array]:
        """Give each person the shares of their archetype, nearer to all people's under overlap."""
        chances = {}
        for field in fields(Archetype)[1:]:
            own = np.array([getattr(CAST[name], field.name) for name in names])
            everyone = share @ own
            chances[field.name] = (everyone + min(self.spread, 1.0) * (own - everyone))[group]
        return chances

    def _traits(
        self, names: list[str], group: Array, other: Array, leans: Array
    ) -> dict[str, Array]:
        """Draw each person's traits: their archetype's means, and what its people share besides.

        Each archetype has loadings of its own on ability, on drive and on a factor a block; the
        rest of the unit variance is the person's alone.
        """
        traits = pd.DataFrame([CAST[name].traits for name in names], columns=TRAITS)
        means = traits.fillna(0.0).to_numpy() + self.rng.normal(0.0, 0.15, traits.shape)
        means[:, [trait in self.nuisance for trait in TRAITS]] = 0.0
        means *= self.spread
        blocks = sorted(set(BLOCKS.values()))
        of_trait = np.array([blocks.index(block) for block in BLOCKS.values()])
        shape = len(names), len(TRAITS)
        ability = np.isin(TRAITS, ABILITY) * self.rng.normal(0.45, 0.2, shape)
        drive = np.isin(TRAITS, DRIVE) * self.rng.normal(0.3, 0.25, shape)
        within = self.rng.normal(0.35, 0.2, shape)
        loadings = np.clip(np.stack([ability, drive, within]), -0.7, 0.7)
        alone = np.sqrt(np.clip(1 - (loadings**2).sum(axis=0), 0.2, None))
        common = self.rng.normal(size=(2, self.n, 1))
        by_block = self.rng.normal(size=(self.n, len(blocks)))[:, of_trait]
        values = (1 - leans[:, None]) * means[group] + leans[:, None] * means[other]
        values += loadings[0, group] * common[0] + loadings[1, group] * common[1]
        values += loadings[2, group] * by_block
        values += alone[group] * self.rng.normal(size=(self.n, len(TRAITS)))
        return dict(zip(TRAITS, values.T, strict=True))

    def on_scale(self, trait: str, scale: tuple[float, float, float, float, float]) -> Array:
        """Put a trait on a scale with steps and ends."""
        mean, deviation, step, least, greatest = scale
        value = mean + deviation * self.traits[trait]
        return np.clip(step * np.round(value / step), least, greatest) + 0.0

    def count(self, trait: str, mean: float) -> Array:
        """Draw counts: mixed Poisson, and one person in forty does it many times over."""
        rate = mean * np.exp(0.8 * self.traits[trait] - 0.32) * self.rng.gamma(3.0, 1 / 3, self.n)
        eager = np.where(self.happens(0.025), 1 + self.rng.pareto(1.5, self.n), 1.0)
        return np.minimum(self.rng.poisson(rate * eager), 60)


def days(number: Array) -> pd.Series[Any]:
    return pd.Series(pd.to_timedelta(np.round(number * 1440), unit="min"))


def timeline(world: World) -> pd.DataFrame:
    """Date what each person does in their cycle: a row a person."""
    year = world.rng.choice(YEARS, world.n)
    dates = pd.DataFrame({"person_id": world.person_id, "entry_term": [f"Fall {y}" for y in year]})
    dates["census"] = pd.to_datetime([f"{y}-09-15" for y in year])
    lead = np.clip(205 + 48 * world.traits["lead"], 20, 345)
    effort = np.clip(np.exp(2.9 + 0.9 * world.traits["effort"]), 0.05, 250)
    heard = np.where(world.happens(world.chance["stealth"]), 0.0, world.rng.gamma(1.3, 45, world.n))
    dates["submitted"] = dates["census"] - days(lead)
    dates["started"] = dates["submitted"] - days(effort)
    dates["first_contact"] = dates["started"] - days(heard)
    review = np.minimum(world.rng.gamma(3.0, 12, world.n), lead - 5)
    dates["decided"] = dates["submitted"] + days(review)
    dates["is_prospect"] = world.happens(0.08)
    dates["country"] = np.where(
        world.happens(world.chance["domestic"]),
        "US",
        world.rng.choice(list(ABROAD), world.n, p=list(ABROAD.values())),
    )
    return dates


def applications(world: World, dates: pd.DataFrame) -> pd.DataFrame:
    """File one application a person, two for one in six, and follow each to its end."""
    second = dates[world.happens(0.16)].assign(order=2)
    filed = pd.concat([dates.assign(order=1), second]).query("not is_prospect")
    n, rng = len(filed), world.rng
    at = filed.index
    merit = world.traits["grades"][at] + 0.5 * world.traits["quant"][at] + rng.normal(size=n)
    submits = rng.random(n) < 0.94
    is_admitted = submits & (merit > -0.4)
    wish = -0.6 + 0.9 * world.traits["intent"][at] + 0.5 * world.traits["in_person"][at]
    deposits = is_admitted & (rng.logistic(size=n) < wish)
    enrolls = deposits & (rng.random(n) < 0.9)
    withdraws = is_admitted & ~deposits & (rng.random(n) < 0.3)
    hours = pd.to_timedelta(6 * (filed["order"].to_numpy() - 1), unit="h")
    submitted, decided = filed["submitted"] + hours, filed["decided"] + hours
    replied = decided + (filed["census"] - decided) * rng.uniform(0.1, 0.8, n)
    return pd.DataFrame(
        {
            "application_id": filed["person_id"] + "-" + filed["order"].astype(str),
            "person_id": filed["person_id"],
            "entry_term": filed["entry_term"],
            "program_code": rng.choice(PROGRAMS, n),
            "source_channel": rng.choice(["web", "fair", "referral", "agent"], n),
            "started_at": filed["started"] + hours,
            "submitted_at": submitted.where(submits),
            "admitted_at": decided.where(is_admitted),
            "denied_at": decided.where(submits & ~is_admitted),
            "deposited_at": replied.where(deposits),
            "withdrawn_at": replied.where(withdraws),
            "enrolled_at": filed["census"].where(enrolls),
        }
    ).reset_index(drop=True)


def stage_events(filed: pd.DataFrame) -> pd.DataFrame:
    stages = [name for name in filed.columns if name.endswith("_at")]
    events = filed.melt("application_id", stages, "stage", "occurred_at").dropna()
    return events.assign(stage=events["stage"].str.removesuffix("_at"))


def persons(world: World, dates: pd.DataFrame) -> pd.DataFrame:
    years = np.round(np.clip(np.expm1(1.1 + 0.65 * world.traits["experience"]), 0, 38), 1)
    return pd.DataFrame(
        {
            "person_id": world.person_id,
            "created_at": dates["first_contact"],
            "country_of_residence": dates["country"],
            "years_experience": np.where(world.happens(0.06), np.nan, years),
            "is_own_alumnus": world.happens(world.chance["alumnus"]),
            "distance_km": np.round(np.exp(np.minimum(world.rng.normal(6, 1.5, world.n), 9.8))),
            "intended_entry_term": dates["entry_term"],
            "intended_program_code": world.rng.choice(PROGRAMS, world.n),
        }
    )


def test_scores(world: World, dates: pd.DataFrame) -> pd.DataFrame:
    """Give scores to those who took a test: who does depends on the archetype."""
    is_abroad = (dates["country"] != "US").to_numpy()
    test = world.rng.choice(list(ENGLISH), world.n, p=[0.4, 0.45, 0.15])
    takes_gre = world.happens(world.chance["gre"])
    takes_gmat = world.happens(world.chance["gmat"]) & ~takes_gre
    parts = [
        (code, "total", is_abroad & (test == code), world.on_scale("english", scale))
        for code, scale in ENGLISH.items()
    ]
    parts += [("gre", name, takes_gre, world.on_scale(name, scale)) for name, scale in GRE.items()]
    parts += [("gmat", "total", takes_gmat, world.on_scale("gmat", GMAT))]
    received = dates["submitted"] - days(world.uniform(0.5, 3))
    frames = []
    for code, component, takes, value in parts:
        has = takes & ~world.happens(0.05)
        frames.append(
            pd.DataFrame(
                {
                    "score_id": dates["person_id"][has] + f"-{code}-{component}",
                    "person_id": dates["person_id"][has],
                    "test_code": code,
                    "component": component,
                    "value": value[has],
                    "test_date": (dates["submitted"] - days(world.uniform(30, 400)))[has].dt.date,
                    "received_at": received[has],
                    "status": "verified",
                }
            )
        )
    return pd.concat(frames)


def education_records(world: World, dates: pd.DataFrame) -> pd.DataFrame:
    columns = ["gpa_scale_max", "gpa_scale_pass", "mean", "deviation", "gpa_direction"]
    scale = pd.DataFrame([SCALES[country] for country in dates["country"]], columns=columns)
    sign = np.where(scale["gpa_direction"] == "low_best", -1, 1)
    grade = scale["mean"] + sign * scale["deviation"] * world.traits["grades"]
    ends = scale[["gpa_scale_max", "gpa_scale_pass"]]
    records = scale.drop(columns=["mean", "deviation"]).assign(
        education_id=dates["person_id"] + "-1",
        person_id=dates["person_id"],
        gpa_value=grade.clip(ends.min(axis=1), ends.max(axis=1)).round(2),
        country=dates["country"],
        degree_level="bachelor",
        received_at=dates["submitted"] - days(np.full(world.n, 0.5)),
    )
    return records[~world.happens(0.07)]


def interactions(world: World, dates: pd.DataFrame) -> pd.DataFrame:
    """Spread contacts between the first one and the decision; stated intent at the submission."""
    frames = []
    for trait, (mean, types) in CONTACTS.items():
        person = np.repeat(np.arange(world.n), world.count(trait, mean))
        first, last = (dates[name].to_numpy()[person] for name in ("first_contact", "decided"))
        share = world.rng.uniform(0.0, 1.0, len(person))
        frames.append(
            pd.DataFrame(
                {
                    "person_id": world.person_id[person],
                    "interaction_type": world.rng.choice(types, len(person)),
                    "occurred_at": pd.Series(first) + pd.Series(last - first) * share,
                    "status": "attended" if trait in ("virtual", "in_person") else None,
                }
            )
        )
    answers = world.happens(world.chance["answers"]) & ~world.happens(0.1)
    survey = pd.DataFrame(
        {
            "person_id": world.person_id,
            "interaction_type": "intent_survey",
            "occurred_at": dates["submitted"] + days(np.full(world.n, 0.25)),
            "value_numeric": world.on_scale("intent", (6.3, 2.0, 1.0, 0.0, 10.0)),
        }
    )
    rows = pd.concat([*frames, survey[answers]], ignore_index=True)
    rows["occurred_at"] = rows["occurred_at"].dt.floor("s")
    return rows.assign(interaction_id=[f"I{number:07d}" for number in range(len(rows))])


def entry_terms() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "entry_term": [f"Fall {year}" for year in YEARS],
            "opens_on": [f"{year - 1}-08-01" for year in YEARS],
            "census_on": [f"{year}-09-15" for year in YEARS],
            "status": ["closed"] * (len(YEARS) - 1) + ["open"],
            "term_order": range(1, len(YEARS) + 1),
        }
    )


def programs() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "program_code": PROGRAMS,
            "program_name": [name.replace("_", " ").title() for name in PROGRAMS],
            "level": "master",
            "english_required": True,
            "test_policy": "optional",
        }
    )


def known(rows: pd.DataFrame) -> pd.DataFrame:
    """Leave out what the open cycle has yet to bring."""
    rows = rows.copy()
    for name in rows.columns[rows.columns.str.endswith("_at")]:
        rows[name] = rows[name].astype("datetime64[s]").where(rows[name] <= KNOWN_UNTIL)
    first = ("created_at", "started_at", "received_at", "occurred_at")
    return rows.dropna(subset=[name for name in first if name in rows])


def write(folder: Path, world: World) -> None:
    dates = timeline(world)
    filed = known(applications(world, dates))
    tables = {
        "persons": known(persons(world, dates)),
        "applications": filed,
        "stage_events": stage_events(filed),
        "test_scores": known(test_scores(world, dates)),
        "education_records": known(education_records(world, dates)),
        "interactions": known(interactions(world, dates)),
        "entry_terms": entry_terms(),
        "programs": programs(),
    }
    truth = folder / "truth"
    truth.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        rows.to_parquet(folder / f"{name}.parquet", index=False)
    planted = {"person_id": world.person_id, "archetype": world.archetype}
    pd.DataFrame(planted).to_csv(truth / "persons.csv", index=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--persons", type=int, default=12_000)
    parser.add_argument("--overlap", choices=SPREAD, default="low")
    parser.add_argument("--nuisance", type=int, help="traits without groups (default: 0 to 2)")
    options = parser.parse_args()
    world = World(options.seed, options.persons, options.overlap, options.nuisance)
    write(options.folder, world)


if __name__ == "__main__":
    main()
