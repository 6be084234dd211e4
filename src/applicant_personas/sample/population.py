"""Who applies, what they bring, and what becomes of them: the truth before any file exists.

All times are days to the census of the own cycle (negative before it), as floats whose fraction is
the time of day; NaN means that it never happens. A frame row is one person or one application.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from applicant_personas.sample import archetypes as planted
from applicant_personas.sample.config import SampleConfig
from applicant_personas.sample.reference import (
    CHANNELS,
    COUNTRIES,
    GRADE_SCALES,
    PROGRAMS,
    TEST_POLICIES,
    FloatArray,
    IntArray,
)

# Days to census of the calendar's landmarks (census is on September 10).
PRIORITY_DEADLINE = -238  # January 15
SECOND_HUMP = (-193, -108)  # March to May
DEPOSIT_DEADLINE = -148  # April 15

PROSPECT_SHARE = 0.06
TWO_APPLICATIONS = 0.08
NEVER_SUBMITTED = 0.03
WITHDRAWN_EARLY = 0.02
WAITLISTED = 0.05
# Pooled mean and deviation used to standardize what moves people.
INTENT_SCALE = (6.8, 1.9)
EVENTS_SCALE = (0.80, 0.55)

SECOND_CHOICE = -1.0
# Days from admission after which waiting says no more, and the middle of the range.
LONG_WAIT = 45
USUAL_WAIT = 33


def sigmoid(logit: FloatArray) -> FloatArray:
    """Return the logistic function, elementwise."""
    return 1 / (1 + np.exp(-logit))


def logit_of_mean(mean: FloatArray, slope: float) -> FloatArray:
    """Return the intercept for which `sigmoid(intercept + slope * N(0, 1))` averages to `mean`.

    Logistic-normal approximation: the intercept grows by sqrt(1 + .346 slope^2).
    """
    clipped = np.clip(mean, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(clipped / (1 - clipped)) * np.sqrt(1 + 0.346 * slope**2))


def spread(separation: float) -> float:
    """Factor on every within-archetype deviation: 2 at separation 0, 1 at .5, .5 at 1."""
    return float(2 ** (1 - 2 * separation))


def counts_mean(name: str, separation: float) -> FloatArray:
    """Means of a count by archetype, shape (7,), pulled apart or together by separation."""
    means = planted.column(name)
    pooled = float(np.average(means, weights=planted.column("share")))
    # A count has no deviation of its own to shrink, so the means move instead.
    return means * (means / pooled) ** (separation - 0.5)


def draw_people(rng: np.random.Generator, config: SampleConfig, n: int) -> pd.DataFrame:
    """Draw n persons with their traits and intended behavior, one row each."""
    wide = spread(config.separation)
    cycle_weight = 1 + 0.03 * np.arange(config.n_cycles)
    cycle = rng.choice(config.n_cycles, size=n, p=cycle_weight / cycle_weight.sum())
    cumulative = planted.shares(config.n_cycles).cumsum(axis=1)[cycle]
    kind = np.minimum((rng.random(n)[:, np.newaxis] > cumulative).sum(axis=1), 6)

    def of(name: str) -> FloatArray:
        return np.asarray(planted.column(name)[kind])

    def count(name: str, boost: FloatArray | float = 1.0) -> IntArray:
        return np.asarray(rng.poisson(counts_mean(name, config.separation)[kind] * boost))

    def normal(scale: FloatArray | float, quality_share: float = 0.0) -> FloatArray:
        noise = rng.normal(size=n)
        mixed = quality_share * quality + np.sqrt(1 - quality_share**2) * noise
        return np.asarray(wide * scale * mixed)

    people = pd.DataFrame({"cycle": cycle, "archetype": kind})
    quality = rng.normal(size=n)
    people["quality"] = quality
    people["domestic"] = rng.random(n) < of("domestic")
    people["scale"] = _draw_scale(rng, people["domestic"].to_numpy())
    people["country"] = np.array([COUNTRIES.index(s.country) for s in GRADE_SCALES])[
        people["scale"].to_numpy()
    ]
    people["standing"] = np.clip(of("gpa") + normal(of("gpa_sd"), 0.55), 0.02, 0.995)
    people["english"] = np.round(np.clip(of("english") + normal(of("english_sd"), 0.25), 40, 120))
    people["gre_verbal"] = np.round(np.clip(of("gre_verbal") + normal(3.5, 0.35), 130, 170))
    people["gre_quant"] = np.round(np.clip(of("gre_quant") + normal(2.8, 0.35), 130, 170))
    people["gre_writing"] = np.round(np.clip(3.6 + normal(0.7, 0.3), 1, 6) * 2) / 2
    people["intent"] = np.clip(of("intent") + normal(1.1), 0, 10)
    people["years"] = count("years_experience")
    people["alumnus"] = rng.random(n) < of("alumnus")

    people["applies"] = rng.random(n) >= PROSPECT_SHARE
    people["two_applications"] = rng.random(n) < TWO_APPLICATIONS
    people["stealth"] = (rng.random(n) < of("stealth")) & people["applies"].to_numpy()
    # Stealth applicants attend a third as much; the others make up for it.
    boost = np.where(people["stealth"], 1 / 3, (1 - of("stealth") / 3) / (1 - of("stealth")))
    people["virtual"] = count("virtual", boost)
    people["chats"] = rng.binomial(people["virtual"].to_numpy(), of("chat_share"))
    people["in_person"] = count("in_person", boost)
    people["clicks"] = count("clicks")
    people["logins"] = count("logins")
    people["interviewed"] = rng.random(n) < of("interview")
    return _draw_timing(rng, people, wide)


def _draw_scale(rng: np.random.Generator, domestic: np.ndarray) -> IntArray:
    """Grade scale (so country) of every person: the same mix abroad for all archetypes."""
    weights = np.array([scale.weight for scale in GRADE_SCALES])
    abroad = rng.choice(len(GRADE_SCALES), size=len(domestic), p=weights / weights.sum())
    return np.where(domestic, 0, abroad).astype(np.int64)


def _draw_timing(rng: np.random.Generator, people: pd.DataFrame, wide: float) -> pd.DataFrame:
    """Add first contact, start and submission: two humps, the lead times of the archetype."""
    n = len(people)
    kind = people["archetype"].to_numpy()
    early = rng.random(n) < planted.column("early")[kind]
    first_hump = np.clip(rng.normal(PRIORITY_DEADLINE - 2, 7, size=n), -275, -215)
    second_hump = rng.triangular(SECOND_HUMP[0], -160, SECOND_HUMP[1], size=n)
    day = np.floor(np.where(early, first_hump, second_hump))
    submitted = day + rng.integers(7 * 60, 24 * 60, size=n) / 1440

    def days(name: str, deviation: float) -> FloatArray:
        noise = rng.normal(size=n) * deviation * wide
        return np.asarray(planted.column(name)[kind] * np.exp(noise))

    people["submits_at"] = submitted
    people["starts_at"] = submitted - np.clip(days("days_to_submit", 0.45), 0.02, 200)
    contact = np.minimum(
        submitted - np.clip(days("days_of_contact", 0.40), 3, 500), people["starts_at"] - 0.5
    )
    people["contact_at"] = np.where(people["stealth"], people["starts_at"], contact)
    return people


def draw_applications(
    rng: np.random.Generator, config: SampleConfig, people: pd.DataFrame
) -> pd.DataFrame:
    """Draw the applications of these persons, with true probabilities and every stage's time.

    `person` is the row number in `people`. A second application of the same term is a second
    choice: it is taken up only where the first is not.
    """
    first = np.flatnonzero(people["applies"])
    second = first[people["two_applications"].to_numpy()[first]]
    person = np.concatenate([first, second])
    applications = people.iloc[person].reset_index(drop=True)
    applications["person"] = person
    applications["is_second"] = np.arange(len(person)) >= len(first)
    applications["program"] = _draw_programs(rng, applications)
    later = np.where(applications["is_second"], rng.integers(0, 6, size=len(person)), 0)
    applications["started"] = np.floor(applications["starts_at"] + later)
    applications["submitted"] = applications["submits_at"] + later
    never = rng.random(len(person)) < NEVER_SUBMITTED
    applications.loc[never, "submitted"] = np.nan
    applications["channel"] = _draw_channels(rng, applications)
    _decide(rng, applications)
    _offer(rng, applications)
    _respond(rng, config, applications, len(people))
    follow_through(rng, applications)
    order = np.lexsort((applications["is_second"], person))  # persons in order, first choice first
    return applications.iloc[order].reset_index(drop=True)


def _draw_programs(rng: np.random.Generator, applications: pd.DataFrame) -> IntArray:
    """Program of every application; a second one is the next program on the list."""
    pull = np.array([program.drawn_by for program in PROGRAMS]).T
    cumulative = (pull / pull.sum(axis=1, keepdims=True)).cumsum(axis=1)
    person = applications["person"].to_numpy()
    # One draw a person, so that both applications start from the same choice.
    draw = rng.random(int(person.max(initial=0)) + 1)[person]
    chosen = (draw[:, np.newaxis] > cumulative[applications["archetype"]]).sum(axis=1)
    chosen = np.minimum(chosen, len(PROGRAMS) - 1)
    return np.asarray((chosen + applications["is_second"]) % len(PROGRAMS), dtype=np.int64)


def _draw_channels(rng: np.random.Generator, applications: pd.DataFrame) -> IntArray:
    """Source channel of every application; what is left of the shares was never selected."""
    names = [f"from_{channel}" for channel in CHANNELS[:-1]]
    cumulative = np.array([planted.column(name) for name in names]).cumsum(axis=0)
    draw = rng.random(len(applications))[:, np.newaxis]
    return np.asarray((draw > cumulative.T[applications["archetype"]]).sum(axis=1), dtype=np.int64)


def _decide(rng: np.random.Generator, applications: pd.DataFrame) -> None:
    """Add completion, waiting list and decision, four to eight weeks after submission."""
    n = len(applications)
    quality = applications["quality"].to_numpy()
    admit = planted.column("admit")[applications["archetype"]]
    slope = planted.QUALITY_ON_ADMISSION
    applications["p_admit"] = (1 - WITHDRAWN_EARLY) * sigmoid(
        logit_of_mean(admit, slope) + slope * quality
    )
    submitted = applications["submitted"].to_numpy()
    complete = submitted + np.clip(rng.exponential(5, size=n), 0.02, 20)
    day = np.floor(submitted + rng.uniform(28, 56, size=n))
    decided = day + rng.integers(9 * 60, 17 * 60, size=n) / 1440
    gone = rng.random(n) < WITHDRAWN_EARLY
    good = rng.random(n) < applications["p_admit"] / (1 - WITHDRAWN_EARLY)
    applications["admitted"] = good & ~gone & ~np.isnan(submitted)
    applications["decided"] = np.where(gone, np.nan, decided)
    withdrawn = np.where(gone, submitted + rng.uniform(3, 26, size=n), np.nan)
    applications["withdrawn"] = withdrawn
    applications["complete"] = np.where(complete > withdrawn, np.nan, complete)
    waits = (rng.random(n) < WAITLISTED) & ~gone
    applications["waitlisted"] = np.where(waits, decided - rng.uniform(5, 15, size=n), np.nan)
    applications["denied"] = np.where(applications["admitted"] | gone, np.nan, decided)


def _offer(rng: np.random.Generator, applications: pd.DataFrame) -> None:
    """Add the scholarship of admitted applications: rarer by archetype, likelier by quality."""
    n = len(applications)
    kind = applications["archetype"].to_numpy()
    slope = planted.QUALITY_ON_SCHOLARSHIP
    # Admission already selected on quality; centering keeps the table's share among admitted.
    admit = planted.column("admit")[kind]
    selected = 0.75 * (1 - admit)
    quality = applications["quality"].to_numpy()
    chance = sigmoid(
        logit_of_mean(planted.column("scholarship")[kind], slope) + slope * (quality - selected)
    )
    applications["p_scholarship"] = chance
    applications["scholarship"] = (rng.random(n) < chance) & applications["admitted"]
    amount = 500 * np.round(np.clip(14 + 5 * quality + rng.normal(0, 4, size=n), 4, 40))
    applications["amount"] = np.where(applications["scholarship"], amount, np.nan)


def acceptance_logit(applications: pd.DataFrame, config: SampleConfig) -> FloatArray:
    """Logit of accepting an offer, shape (n,): base, common effects, what moves the archetype.

    Days from admission are counted up to the day of the export, the same in every cycle: zero for
    those admitted after it, and bounded above.
    """
    kind = applications["archetype"].to_numpy()

    def of(name: str) -> FloatArray:
        return np.asarray(planted.column(name)[kind])

    events = np.log1p(applications["virtual"] + applications["in_person"])
    usual = np.log1p(of("virtual") + of("in_person"))
    intent = applications["intent"].to_numpy()
    days = np.clip(config.as_of_offset - applications["decided"].to_numpy(), 0, LONG_WAIT)
    logit = (
        planted.ACCEPTANCE_INTERCEPT
        + of("base")
        + of("base_drift") * (applications["cycle"] - (config.n_cycles - 1) / 2)
        + planted.INTENT_EFFECT * (intent - INTENT_SCALE[0]) / INTENT_SCALE[1]
        + planted.EVENTS_EFFECT * (events - EVENTS_SCALE[0]) / EVENTS_SCALE[1]
        + (planted.SCHOLARSHIP_EFFECT + of("moved_by_scholarship")) * applications["scholarship"]
        + planted.DAYS_FROM_ADMISSION_EFFECT * (days - USUAL_WAIT)
        + planted.QUALITY_EFFECT * applications["quality"]
        + planted.STEALTH_EFFECT * applications["stealth"]
        # What moves an archetype counts against its own average.
        + of("moved_by_in_person") * (applications["in_person"] - of("in_person")) / 1.1
        + of("moved_by_events") * (events - usual) / EVENTS_SCALE[1]
        + of("moved_by_intent") * (intent - of("intent")) / 1.1
        + SECOND_CHOICE * applications["is_second"]
    )
    return np.asarray(logit, dtype=np.float64)


def _respond(
    rng: np.random.Generator, config: SampleConfig, applications: pd.DataFrame, n_people: int
) -> None:
    """Add acceptance and melt: true probabilities, then what happens."""
    n = len(applications)
    kind = applications["archetype"].to_numpy()
    person = applications["person"].to_numpy()
    admitted = applications["admitted"].to_numpy()
    is_second = applications["is_second"].to_numpy()
    logit = acceptance_logit(applications, config)
    alone = np.where(np.isnan(logit), np.nan, sigmoid(logit))
    taken = np.zeros(n_people)
    rival = admitted & ~is_second
    taken[person[rival]] = alone[rival]
    applications["p_accept"] = np.where(is_second, alone * (1 - taken[person]), alone)
    wants = admitted & (rng.random(n) < alone)
    first_taken = np.zeros(n_people, dtype=bool)
    first_taken[person[wants & ~is_second]] = True
    applications["accepted"] = wants & ~(is_second & first_taken[person])
    melt = planted.column("melt")[kind]
    intent = (applications["intent"].to_numpy() - planted.column("intent")[kind]) / 1.1
    applications["p_melt"] = sigmoid(logit_of_mean(melt, 0.3) - 0.3 * intent)
    applications["melted"] = applications["accepted"] & (rng.random(n) < applications["p_melt"])
    applications["enrolls"] = applications["accepted"] & ~applications["melted"]
    applications["p_enroll"] = applications["p_accept"] * (1 - applications["p_melt"])


def follow_through(rng: np.random.Generator, applications: pd.DataFrame) -> None:
    """Add the times from admission to census: deposits, refusals, silence, melt, enrollment."""
    n = len(applications)
    abroad = ~applications["domestic"].to_numpy()
    admitted, accepted = applications["admitted"].to_numpy(), applications["accepted"].to_numpy()
    melted, enrolls = applications["melted"].to_numpy(), applications["enrolls"].to_numpy()
    decided = applications["decided"].to_numpy()

    def when(happens: np.ndarray, time: FloatArray) -> FloatArray:
        return np.where(happens, time, np.nan)

    pending = abroad & (rng.random(n) < 0.08)
    applications["admitted_conditional"] = when(admitted & pending, decided)
    applications["admitted_at"] = when(admitted & ~pending, decided)

    by_deadline = decided < DEPOSIT_DEADLINE - 12
    shortly = decided + rng.uniform(7, 26, size=n)
    around = DEPOSIT_DEADLINE - np.minimum(rng.gamma(2.0, 3.0, size=n) - 2, 18)
    deposited = np.where(by_deadline, np.maximum(around, decided + 2), shortly)
    applications["deposited"] = when(accepted, deposited)

    refuses = admitted & ~accepted
    says_so = rng.random(n) < 0.5
    near = DEPOSIT_DEADLINE + rng.normal(-1, 8, size=n)
    refusal = np.where(by_deadline, np.maximum(near, decided + 3), decided + rng.uniform(5, 30, n))
    applications["declined"] = when(refuses & says_so, refusal)

    # June to September: some say that they leave, some defer, some just do not come.
    leaving = np.maximum(rng.uniform(-100, -3, size=n), deposited + 4)
    way = rng.random(n)
    census = rng.uniform(0.35, 0.7, size=n)
    silent = (melted & (way >= 0.65)) | (refuses & ~says_so & (way < 0.4))
    closed = refuses & ~says_so & (way >= 0.4)
    applications["deferred"] = when(melted & (way < 0.10), leaving)
    leaves = when(melted & (way >= 0.10) & (way < 0.65), leaving)
    leaves = np.where(closed, census, leaves)
    applications["withdrawn"] = np.where(np.isnan(leaves), applications["withdrawn"], leaves)
    applications["no_show"] = when(silent, census)

    visa = deposited + rng.uniform(25, 60, size=n)
    applications["visa_issued"] = when(enrolls & abroad, np.minimum(visa, -12))
    registered = np.maximum(rng.uniform(-40, -8, size=n), np.minimum(deposited + 2, -3))
    applications["registered"] = when(enrolls, registered)
    applications["enrolled"] = when(enrolls, census)


def gre_chance(people: pd.DataFrame, program: IntArray) -> FloatArray:
    """Chance that a person sends a GRE: archetype, the program's policy, withheld when low."""
    kind = people["archetype"].to_numpy()
    policy = np.array([TEST_POLICIES[program.test_policy] for program in PROGRAMS])
    pull = np.array([program.drawn_by for program in PROGRAMS]).T
    usual = (pull @ policy) / pull.sum(axis=1)
    quality = people["quality"].to_numpy()
    logit = logit_of_mean(planted.column("gre_submits"), 0.9)[kind]
    return sigmoid(logit + policy[program] - usual[kind] + 0.5 * quality)
