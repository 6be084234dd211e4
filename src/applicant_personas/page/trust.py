"""What the page rests on: tests on closed cycles, the choice of personas, the input."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup

from applicant_personas.page.figures import (
    NONE,
    WIDTH,
    Line,
    Mark,
    Row,
    Scale,
    Table,
    count,
    decimals,
    fine,
    lines_chart,
    natural,
    percent,
    svg,
    text,
)
from applicant_personas.page.story import ALL, Block, Story, Version, breakdown, feature, values_of
from applicant_personas.page.words import capital, day, listed, lower, model, number

# What a registrar could do without a model.
SIMPLE = ("logistic_regression", "stage_rate", "persona_rate", "previous_cycle_rate")


def backtest(story: Story) -> Block:
    """Show what would have been forecast of closed cycles, beside what happened."""
    table = story.tables["rpt_headcount_backtest"]
    block = Block("backtest", "Would it have been right before?")
    own_day = story.tables["rpt_headcount_forecast"].one(entry_term=story.entry_term, breakdown=ALL)
    days = own_day and own_day["days_to_census"]
    for key in (ALL, *story.names):
        rows = [row for row in table.where(**breakdown(key)) if row["expected"] is not None]
        rows = [row for row in rows if row["actual"] is not None]
        rows.sort(key=lambda r: (story.order.get(r["entry_term"], 0), -r["days_to_census"]))
        if key != ALL:
            rows = [row for row in rows if row["days_to_census"] == days]
        if rows:
            block.versions[key] = _backtest(table, rows)
    return block


def _backtest(table: Table, rows: Sequence[Row]) -> Version:
    lines = []
    for row in rows:
        expected, actual = (table.figure(row, c, count) for c in ("expected", "actual"))
        low, high = (table.figure(row, f"{end}_80", count) for end in ("low", "high"))
        marks = [Mark("span", low, high), Mark("dot", expected), Mark("tick last", actual)]
        if not low or not high:
            marks = marks[1:]
        label = f"{row['entry_term']}, {row['days_to_census']} days before"
        lines.append(Line(label, marks, [expected, " expected, ", actual, " came"]))
    inside = sum(bool(row["inside_80"]) for row in rows)
    finding = (
        f"{capital(number(inside))} of {number(len(rows))} forecasts held what happened in the"
        " interval that should hold eight in ten."
    )
    title = "Forecasts of closed cycles beside what happened."
    note = "Dot and band: what would have been forecast, 80 % interval. Tick: what happened."
    return Version(finding, lines_chart(title, lines, Scale.over(values_of(lines)), count), note)


def baselines(story: Story) -> Block:
    """Compare the likelihood with simpler rules on the same people."""
    table = story.tables["rpt_model_evaluation"]
    block = Block("baselines", "Would a simple rule do?")
    phase = story.whole_phase()
    headline = story.tables["rpt_model_headlines"].one(phase=phase)
    for key in (ALL, *story.names):
        kind = {"slice": ALL} if key == ALL else {"slice": "persona", "slice_value": key}
        rows = [row for row in table.where(phase=phase, **kind) if row["value"] is not None]
        rows = _of_one_test(rows)
        rows.sort(key=lambda row: -row["value"])
        lines = []
        for row in rows:
            at, low, high = (table.figure(row, c, decimals) for c in ("value", "low", "high"))
            is_ours = row["model"] == "likelihood"
            marks = [Mark("span" if is_ours else "span plain", low, high)] if low and high else []
            marks.append(Mark("dot" if is_ours else "dot plain", at))
            lines.append(Line(model(str(row["model"])), marks, at))
        if lines:
            finding = headline["sentence"] if headline and key == ALL else _beside(lines, rows)
            chart = lines_chart(
                "AUC of the likelihood and of simpler rules.", lines, Scale(0.4, 1), decimals,
                (0.5, "a coin"),
            )  # fmt: skip
            note = (
                "AUC: how often someone who reached the outcome had a higher likelihood than"
                " someone who did not; .5 is a coin, 1 is always. Bands: 95 %."
            )
            block.versions[key] = Version(finding, chart, note)
    return block


def _of_one_test(rows: Sequence[Row]) -> list[Row]:
    """Keep the rows of all tested cycles together; without such, those of the first."""
    cycles = sorted({row["test_cycle"] for row in rows})
    cycle = "all_cycles" if "all_cycles" in cycles else next(iter(cycles), None)
    return [row for row in rows if row["test_cycle"] == cycle]


def _beside(lines: Sequence[Line], rows: Sequence[Row]) -> Markup:
    """Tell the AUC of the likelihood beside the best simple rule's."""
    told = {row["model"]: line.told for row, line in zip(rows, lines, strict=True)}
    simple = next((told[m] for m in told if m in SIMPLE), None)
    if "likelihood" not in told or simple is None:
        return Markup("How the models compare.")
    return Markup("AUC {}, and {} of the best simple rule.").format(told["likelihood"], simple)


def calibration(story: Story) -> Block:
    """Show whether of those at 70 % seven in ten enrolled."""
    table = story.tables["rpt_calibration"]
    block = Block("calibration", "Is a likelihood of 70 % right seven times in ten?")
    for key in (ALL, *story.names):
        rows = _of_one_test(table.where(phase=story.whole_phase(), slice_value=key))
        if rows:
            finding: object = f"Among {lower(story.names.get(key, ''))}."
            if key == ALL:
                finding = _gap(story)
            block.versions[key] = _calibration(table, rows, finding)
    return block


def _gap(story: Story) -> object:
    """Tell how far likelihoods and rates were apart in the last test."""
    table = story.tables["rpt_model_headlines"]
    row = table.one(phase=story.whole_phase())
    gap = table.figure(row, "ece", lambda v: f"{100 * v:.0f} points")
    if row is None or gap is None:
        return "Expected beside what happened."
    return Markup("In the test on {}, likelihoods were off by {} on average.").format(
        row["test_cycle"], gap
    )


def _calibration(table: Table, rows: Sequence[Row], finding: object) -> Version:
    x, y = Scale(0, 1, 34, WIDTH - 12), Scale(0, 1, 300, 12)
    body = _frame(x, y, percent, "expected", "happened")
    body.append(
        Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" class="reference"/>').format(
            x(0), y(0), x(1), y(1)
        )
    )
    for row in rows:
        said, did = (table.figure(row, c, percent) for c in ("mean_probability", "actual_rate"))
        if said and did:
            body.append(
                Markup(
                    '<circle cx="{}" cy="{}" r="6" class="dot" {}><title>{}</title></circle>'
                ).format(
                    x(said.value), y(did.value), did.attributes(),
                    f"{said} expected, {did} of {row['n']} did",
                )
            )  # fmt: skip
    title = "Expected against actual rate, by tenth of likelihood."
    return Version(finding, svg(336, title, body, "square"), "Each dot is a tenth of the people.")


def _frame(x: Scale, y: Scale, show: Callable[[float], str], across: str, up: str) -> list[Markup]:
    """Draw the grid of a square chart with what its sides say."""
    body = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        body.append(
            Markup('<line x1="{0}" x2="{0}" y1="{1}" y2="{2}" class="grid"/>').format(
                x(tick), y(0), y(1)
            )
        )
        body.append(
            Markup('<line x1="{1}" x2="{2}" y1="{0}" y2="{0}" class="grid"/>').format(
                y(tick), x(0), x(1)
            )
        )
        body.append(text(x(tick), y(0) + 16, show(tick), "axis middle"))
        body.append(text(x(0) - 5, y(tick) + 4, show(tick), "axis end"))
    body.append(text(x(1), y(0) + 32, across, "axis end"))
    body.append(text(x(0) + 6, y(1) + 12, up, "axis start"))
    return body


def number_of_personas(story: Story) -> Block:
    """Show why there are as many personas as there are."""
    table = story.tables["rpt_persona_selection"]
    block = Block("selection", "Why this many personas?")
    latest = [row for row in table.rows if row.get("is_latest", True) is not False]
    rows = [row for row in latest if row["prediction_strength"] is not None]
    chosen = next((row for row in latest if row["is_chosen"]), None)
    lines = []
    for row in sorted(rows, key=lambda row: row["k"]):
        at = table.figure(row, "prediction_strength", decimals)
        excess = table.figure(row, "excess_over_gaussian", decimals)
        kind = "dot" if row["is_chosen"] else "dot plain"
        told = ["found again ", at, ", structure ", excess if excess else NONE]
        lines.append(Line(f"{row['k']} personas", [Mark(kind, at)], told))
    if chosen and lines:
        chart = lines_chart(
            "How far each number of personas is found again.", lines, Scale(0, 1), decimals,
            (0.7, "needed"),
        )  # fmt: skip
        block.versions[ALL] = Version(
            _verdict(chosen), chart,
            f"{chosen['reason'] or ''} Found again: by a second fit on other halves of the"
            " applicants, in the worst persona. Structure: beyond data without groups.",
        )  # fmt: skip
    return block


def _verdict(chosen: Row) -> str:
    """Tell in a line how sound the number of personas is; the mart's reason has the figures."""
    k = capital(number(chosen["k"]))
    return {
        "groups": f"{k} groups hold nearly all the structure there is.",
        "continuum": f"A continuum rather than groups; {number(chosen['k'])} cut it into parts.",
        "unproven": f"{k} groups are used, and no number of groups is proven.",
    }.get(chosen["verdict"], f"{k} personas.")


def persona_map(story: Story) -> Block:
    """Draw the personas on the two directions in which applicants differ most."""
    table = story.tables["fct_applicant_positions"]
    block = Block("map", "Who is near whom?")
    one, two = (f"round(avg(position_{i}), 4)" for i in (1, 2))
    rows = [row for row in table.rows if row["persona_key"] in story.names]
    if not rows:
        return block
    spreads = {str(row["persona_key"]): _ellipse(row) for row in rows}
    ends = [(row[one], row[two], spreads[str(row["persona_key"])][0]) for row in rows]
    x = Scale.over([v for a, _, r in ends for v in (a - r, a + r)])
    y = Scale.over([v for _, b, r in ends for v in (b - r, b + r)])
    unit = (WIDTH - 16) / (x.high - x.low)
    height = max(260.0, min(420.0, (y.high - y.low) * unit))
    y = Scale(y.low, y.high, height - 8, 8)
    body, labels = [], []
    for row in rows:
        key = str(row["persona_key"])
        at = [table.figure(row, column, natural) for column in (one, two)]
        assert at[0]
        assert at[1]
        points = " ".join(
            f"{x(row[one] + a):.1f},{y(row[two] + b):.1f}" for a, b in spreads[key][1]
        )
        cx, cy = x(at[0].value), y(at[1].value)
        body.append(
            Markup(
                '<g data-persona="{}"><polygon points="{}" class="spread"/>'
                '<circle cx="{}" cy="{}" r="4" class="dot" {}/>'
                '<circle cx="{}" cy="{}" r="0" {}/></g>'
            ).format(key, points, cx, cy, at[0].attributes(), cx, cy, at[1].attributes())
        )
        labels.append((cx, cy, key))
    for cx, cy, key, words in _apart(labels, story.names):
        spans = Markup("").join(
            Markup('<tspan x="{}" dy="{}">{}</tspan>').format(cx, 13 if i else 0, word)
            for i, word in enumerate(words)
        )
        body.append(
            Markup('<g data-persona="{}">{}</g>').format(key, text(cx, cy, spans, "small middle"))
        )
    block.versions[ALL] = Version(
        "Personas that lie close share applicants who could be either.",
        svg(height, "Map of the personas by their principal components.", body, "map"),
        "The two directions in which applicants differ most (principal components); a cloud"
        " holds about half of a persona's people.",
    )
    return block


def _ellipse(row: Row) -> tuple[float, list[tuple[float, float]]]:
    """Give the outline that holds half of a normal cloud, and how far it reaches."""
    a, b, c = (row[name] for name in ("variance_1", "variance_2", "covariance"))
    middle, half = (a + b) / 2, math.hypot((a - b) / 2, c)
    angle = math.atan2(2 * c, a - b) / 2
    long, short = (math.sqrt(max(1.386 * v, 0)) for v in (middle + half, middle - half))
    points = []
    for i in range(36):
        t = 2 * math.pi * i / 36
        u, v = long * math.cos(t), short * math.sin(t)
        points.append(
            (u * math.cos(angle) - v * math.sin(angle), u * math.sin(angle) + v * math.cos(angle))
        )
    return long, points


def _apart(
    labels: Sequence[tuple[float, float, str]], names: Mapping[str, str]
) -> list[tuple[float, float, str, list[str]]]:
    """Give each name lines and a place by its dot, below or above, where it covers no other."""
    placed: list[tuple[float, float, str, list[str]]] = []
    boxes: list[tuple[float, float, float, float]] = [(x, y, 5, 5) for x, y, _ in labels]
    for x, y, key in sorted(labels, key=lambda label: label[1]):
        words = textwrap.wrap(names[key], 20)
        half, height = 3.1 * max(map(len, words)), 6.5 * len(words)
        places = [y + 9 + height, y - 9 - height]
        places += [
            middle + away for away in (10, 20, 30) for middle in (places[0], places[1] - away)
        ]
        middle = next(
            (
                middle
                for middle in places
                if all(
                    abs(x - bx) > half + wide or abs(middle - by) > height + high
                    for bx, by, wide, high in boxes
                )
            ),
            places[0],
        )
        boxes.append((x, middle, half, height))
        placed.append((x, middle - height + 10, key, words))
    return placed


def importance(story: Story) -> Block:
    """Show what matters for enrollment, for everyone and within each persona."""
    table = story.tables["rpt_feature_importance"]
    block = Block("importance", f"What tells who will {story.will}?")
    rows = [
        row
        for row in table.where(is_block=False, is_noise_control=False)
        if row["target"] != "persona" and row["importance"] is not None
    ]
    for scope in ("global", *story.names):
        own = [row for row in rows if row["scope"] == scope]
        own.sort(key=lambda row: (not row["beats_noise"], -row["importance"]))
        first: dict[object, Row] = {}
        for row in own:
            first.setdefault(row["feature"], row)
        lines, values = [], [0.0]
        for row in list(first.values())[:7]:
            at = table.figure(row, "importance", fine)
            low, high = (table.figure(row, f"importance_{e}", fine) for e in ("low", "high"))
            plain = "" if row["beats_noise"] else " plain"
            marks = [Mark("span" + plain, low, high)] if low and high else []
            marks.append(Mark("dot" + plain, at))
            values += [f.value for mark in marks for f in (mark.at, mark.to) if f]
            arrow = {"raises": " \N{UPWARDS ARROW}", "lowers": " \N{DOWNWARDS ARROW}"}.get(
                str(row["direction"]), "")  # fmt: skip
            label = _short(feature(row)) + arrow
            lines.append(Line(label, marks, [f"{row['phase']}  ", at]))
        if lines:
            telling = [row for row in first.values() if row["beats_noise"]]
            finding = (
                f"{feature(telling[0])} tells most."
                if telling
                else "Nothing tells more than chance here."
            )
            chart = lines_chart(
                "Importance of features for enrollment.",
                lines,
                Scale.over(values, zero=True),
                fine,
            )
            note = (
                "AUC lost when a feature is shuffled, on people the model did not see, in the"
                " phase where it tells most. Pale: no more than chance. Arrows: higher values"
                " raise or lower. What matters is a question to ask, not a lever."
            )
            block.versions[ALL if scope == "global" else scope] = Version(finding, chart, note)
    return block


def _short(label: str, most: int = 44) -> str:
    return label if len(label) <= most else label[: most - 1].rstrip() + "…"


def fairness(story: Story) -> Block:
    """Tell whether groups of people are treated alike, where the audit is there."""
    table = story.tables["audit_fairness"]
    block = Block("fairness", "Is it fair?")
    phases = [row["phase"] for row in table.rows]
    phase = story.whole_phase() if story.whole_phase() in phases else next(iter(phases), None)
    lines = []
    for row in table.where(phase=phase, metric="selection_rate_ratio"):
        at, low, high = (table.figure(row, c, decimals) for c in ("value", "low", "high"))
        # The largest group is what the others are compared with.
        if at and low and high:
            plain = "" if row["is_gap"] else " plain"
            label = f"{words_of(row['attribute'])}: {row['group']}"
            lines.append(
                Line(label, [Mark(f"span{plain}", low, high), Mark(f"dot{plain}", at)], at)
            )
    if not lines:
        return block
    attributes = dict.fromkeys(words_of(row["attribute"]) for row in table.where(is_gap=True))
    finding = (
        f"Worth a look, beyond chance: {listed(list(attributes))}."
        if attributes
        else "No difference between groups is beyond chance and worth a look."
    )
    chart = lines_chart(
        "Selection rate of each group over that of the largest one.",
        lines,
        Scale.over([*values_of(lines), 0.8, 1.25]),
        decimals,
        (1.0, "as the largest group"),
    )
    note = (
        "Share of the group in the upper half of likelihoods over that of the largest group. Other"
        " measures are in audit_fairness. Protected attributes are read by this audit alone."
    )
    block.versions[ALL] = Version(finding, chart, note)
    return block


def words_of(code: str) -> str:
    """Write a code."""
    return capital(code.replace("_", " "))


def quality(story: Story) -> dict[str, list[str]]:
    """List what was read, refused and is missing, in the build's own sentences."""
    rows = story.tables["dq_build_summary"].where(is_headline=True)
    warnings = [str(row["sentence"]) for row in rows if row["severity"] == "warning"]
    off = [
        f"{row['capability']}: {row['reason']}"
        for row in story.tables["dq_capabilities"].rows
        if row["level"] in ("table", "block") and not row["is_available"]
    ]
    balances = [row["balanced"] for row in story.tables["dq_reconciliation"].rows]
    told = [str(row["sentence"]) for row in rows if row["severity"] != "warning"]
    if balances:
        told.append(
            "Every row is accounted for, from the input to the marts."
            if all(balances)
            else f"{balances.count(False)} counts do not balance: see dq_reconciliation."
        )
    return {"warnings": warnings, "off": off, "told": told}


def runs(story: Story) -> list[dict[str, object]]:
    """List the fits that are in use."""
    return [
        {"kind": str(row["kind"]).replace("-", ", "), "as_of": day(row["as_of"]),
         "n": story.tables["fct_model_runs"].figure(row, "n_rows", count), "run": row["run_id"],
         "why": row["refit_reason"]}
        for row in story.tables["fct_model_runs"].rows
        if row["status"] != "replaced"
    ]  # fmt: skip
