"""The persona cards: who they are, how many will enroll, what marks and moves them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from applicant_personas.page.figures import (
    HIDDEN,
    Mark,
    Row,
    Scale,
    count,
    draw,
    fine,
    natural,
    percent,
    svg,
)
from applicant_personas.page.story import ALL, Story, feature


def cards(story: Story) -> list[dict[str, Any]]:
    """Make a card of each persona, the most expected enrollments first."""
    cards = [_card(story, row) for row in story.personas]
    return sorted(
        cards,
        key=lambda card: (-(card["expected"].value if card["expected"] else -1), card["key"]),
    )


def _card(story: Story, row: Row) -> dict[str, Any]:
    key = str(row["persona_key"])
    personas, enrollment = story.tables["dim_personas"], story.tables["rpt_persona_enrollment"]
    forecast = story.tables["rpt_headcount_forecast"]
    rules = story.tables["rpt_persona_rules"]
    coming = forecast.one(entry_term=story.entry_term, breakdown="persona", breakdown_value=key)
    present = enrollment.one(entry_term=story.entry_term, phase=ALL, persona_key=key)
    closed = [
        other
        for other in enrollment.where(phase=ALL, persona_key=key, is_open=False)
        if other["actual_enrollments"] is not None
    ]
    before = max(closed, key=lambda r: story.order.get(r["entry_term"], -1), default=None)
    expected = forecast.figure(coming, "expected", count)
    low, high = (forecast.figure(coming, f"{end}_80", count) for end in ("low", "high"))
    if not expected:
        expected = enrollment.figure(present, "expected_enrollments", count)
    rule = rules.one(persona_key=key)
    card: dict[str, Any] = {
        "key": key,
        "name": str(row["persona_name"]),
        "sentence": row["description"],
        "n": personas.figure(row, "n_applicants", count),
        "share": personas.figure(row, "share", percent),
        "stability": personas.figure(row, "stability", percent),
        "stability_words": row["stability_in_words"],
        "expected": expected,
        "low": low,
        "high": high,
        "of": enrollment.figure(present, "n_population", count),
        "rate": enrollment.figure(present, "expected_rate", percent),
        "before": before and {
            "term": before["entry_term"],
            "of": enrollment.figure(before, "n_population", count),
            "expected": enrollment.figure(before, "expected_enrollments", count),
            "actual": enrollment.figure(before, "actual_enrollments", count),
            "rate": enrollment.figure(before, "actual_rate", percent),
            "low": enrollment.figure(before, "actual_rate_low", percent),
            "high": enrollment.figure(before, "actual_rate_high", percent),
        },
        "rule": rule and rule["rule_text"],
        "coverage": rules.figure(rule, "coverage", percent),
        "purity": rules.figure(rule, "purity", percent),
        "traits": _traits(story, key),
        "movers": _movers(story, key),
        "change": _change(story, key),
    }  # fmt: skip
    card["rates"] = _rates(card)
    return card


def _rates(card: dict[str, Any]) -> Markup | None:
    """Draw the expected rate of this cycle over what the last one came to."""
    before, rate = card["before"], card["rate"]
    if not rate:
        return None
    scale = Scale(0, 1)
    marks = [Mark("dot", rate)]
    if before and before["rate"]:
        marks = [Mark("span last", before["low"], before["high"]),
                 Mark("tick last", before["rate"]), *marks]  # fmt: skip
    body = [_rail(scale, 12), *(draw(each, scale, 12) for each in marks)]
    title = f"{card['name']}: {rate} are expected to enroll"
    if before and before["rate"]:
        title += f"; in {before['term']} {before['rate']} did"
    return svg(24, title + ".", body, "strip")


def _rail(scale: Scale, y: float) -> Markup:
    return Markup('<line x1="{}" x2="{}" y1="{}" y2="{}" class="rail"/>').format(
        scale.left, scale.right, y, y
    )


def _traits(story: Story, key: str) -> list[dict[str, Any]]:
    """Draw the traits that the persona's card tells, each on the distribution of the pool."""
    table = story.tables["rpt_persona_traits"]
    told = [
        row["line"]
        for row in story.tables["rpt_persona_cards"].where(persona_key=key, topic="trait")
    ]
    traits = [row for row in table.where(persona_key=key) if row["sentence"] in told]
    traits.sort(key=lambda row: told.index(row["sentence"]))
    return [_trait(story, row) for row in traits[:5]]


def _trait(story: Story, row: Row) -> dict[str, Any]:
    table = story.tables["rpt_persona_traits"]
    label = str(row["label"])
    if row["direction"] in ("known", "missing"):
        # That it is there, or not, is the trait.
        own, pool = (
            table.rest(row, c, percent) for c in ("share_missing", "overall_share_missing")
        )
        scale = Scale(0, 1)
        body = [_rail(scale, 22)]
        label = f"{label}: known"
    else:
        own, pool = (
            table.figure(row, "mean", natural),
            table.figure(row, "overall_mean", natural),
        )
        bins = story.tables["fct_applicant_features"].where(feature=row["feature"])
        ends = (bins[0]["low"], bins[0]["high"]) if bins else (0.0, 1.0)
        values = [*ends, *(figure.value for figure in (own, pool) if figure)]
        scale = Scale(min(values), max(max(values), min(values) + 1e-9))
        is_share = set(ends) == {0.0, 1.0} and len(bins) <= 2
        if is_share:
            own, pool = (table.figure(row, c, percent) for c in ("mean", "overall_mean"))
            body = [_rail(scale, 22)]
        else:
            body = [_hill(bins, ends, scale), _rail(scale, 22)]
            quartiles = [table.figure(row, f"{e}_quartile", natural) for e in ("lower", "upper")]
            body.append(draw(Mark("span", quartiles[0], quartiles[1]), scale, 22))
    body += [draw(Mark("tick", pool), scale, 22), draw(Mark("dot", own), scale, 22)]
    title = f"{label}: {own or HIDDEN}, against {pool} among all applicants."
    return {"label": label, "own": own, "pool": pool, "sentence": row["sentence"],
            "chart": svg(32, title, body, "strip")}  # fmt: skip


def _hill(bins: Sequence[Row], ends: tuple[float, float], scale: Scale) -> Markup:
    """Draw the distribution of the pool, smoothed; what few people are in counts as none."""
    if not bins:
        return Markup("")
    n_bins, reach = bins[0]["n_bins"], 3
    counts = [0.0] * n_bins
    for row in bins:
        for away in range(-reach, reach + 1):
            if 0 <= row["bin"] + away < n_bins:
                counts[row["bin"] + away] += row["n"] * math.exp(-(away**2) / 2.5)
    most, width = max(counts), (ends[1] - ends[0]) / n_bins
    tops = [
        f"{scale(ends[0] + (i + 0.5) * width)},{22 - 18 * n / most:.1f}"
        for i, n in enumerate(counts)
    ]
    points = " ".join([f"{scale(ends[0])},22", *tops, f"{scale(ends[1])},22"])
    return Markup('<polygon points="{}" class="hill"/>').format(points)


def _movers(story: Story, key: str) -> list[dict[str, Any]]:
    """List what moves the persona's likelihood beyond chance, the strongest first."""
    table = story.tables["rpt_feature_importance"]
    rows = [
        row
        for row in table.where(scope=key, is_block=False, is_noise_control=False, beats_noise=True)
        if row["target"] != "persona"
    ]
    rows.sort(key=lambda row: -row["importance"])
    first: dict[object, Row] = {}
    for row in rows:
        first.setdefault(row["feature"], row)
    return [
        {"label": feature(row), "direction": row["direction"], "phase": row["phase"],
         "importance": table.figure(row, "importance", fine)}
        for row in list(first.values())[:3]
    ]  # fmt: skip


def _change(story: Story, key: str) -> dict[str, Any] | None:
    """Tell how the persona's share changed since the cycle before, beside what chance does."""
    table = story.tables["rpt_persona_drift"]
    row = table.one(persona_key=key, metric="share", is_suppressed=False)
    if row is None or row["before"] is None or row["now"] is None:
        return None
    grew = row["now"] > row["before"]
    return {
        "before": table.figure(row, "before", percent),
        "now": table.figure(row, "now", percent),
        "floor": table.figure(row, "noise_floor", lambda v: f"{100 * v:.0f} points"),
        "term": row["previous_entry_term"],
        "words": ("More of the applicants than" if grew else "Fewer of the applicants than"),
        "is_beyond": bool(row["is_beyond_noise"]),
    }
