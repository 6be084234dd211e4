"""The front of the page: how many will come, from where, and how far they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from applicant_personas.page.figures import (
    HIDDEN,
    NONE,
    Figure,
    Line,
    Mark,
    Row,
    Scale,
    Table,
    count,
    lines_chart,
    percent,
)
from applicant_personas.page.story import ALL, Block, Story, Version, breakdown, values_of
from applicant_personas.page.words import capital, day, lower, number, stage

RANGES_AND_TICK = Markup(
    '<span class="key"><i class="dot"></i> expected, with the ranges of 8 and 19 in 20</span>'
    ' <span class="key"><i class="tick"></i> earlier cycles</span>'
)
KEY_TO_MARKS = Markup(
    '<span class="key"><i class="dot"></i> expected, with the range that holds 8 in 10</span>'
    ' <span class="key"><i class="tick"></i> last cycle</span>'
)
BAR_AND_TICK = Markup(
    '<span class="key"><i class="bar"></i> this cycle</span>'
    ' <span class="key"><i class="tick"></i> the one before, same day</span>'
)

# How people whose likelihood moved are counted, as a column of the mart.
CHANGED = "count(distinct person_id) filter (to_persona_key is not null)"


def heading(story: Story) -> dict[str, Any]:
    """Tell the headcount of the open cycle, its day and its places."""
    forecast = story.tables["rpt_headcount_forecast"]
    row = forecast.one(entry_term=story.entry_term, breakdown=ALL)
    others = [
        (other["entry_term"], forecast.figure(other, "expected", count))
        for other in forecast.where(breakdown=ALL)
        if other["entry_term"] != story.entry_term and other["expected"] is not None
    ]
    return {
        "term": story.entry_term,
        "as_of": day(story.status.get("as_of")),
        "days": forecast.figure(row, "days_to_census", count),
        "expected": forecast.figure(row, "expected", count),
        "low": forecast.figure(row, "low_80", count),
        "high": forecast.figure(row, "high_80", count),
        "last": next(iter(_enrolled(story, breakdown=ALL)), None),
        "capacity": forecast.figure(row, "capacity", count),
        "over": forecast.figure(row, "p_over_capacity", percent),
        "others": others,
    }


def headcount(story: Story) -> Block:
    """Draw the expected headcount beside what earlier cycles came to."""
    block = Block("headcount", "Headcount")
    for key in (ALL, *story.names):
        version = _headcount(story, **breakdown(key))
        if version:
            block.versions[key] = version
    return block


def _headcount(story: Story, **kind: str) -> Version | None:
    forecast = story.tables["rpt_headcount_forecast"]
    row = forecast.one(entry_term=story.entry_term, **kind)
    expected = forecast.figure(row, "expected", count)
    ends = {name: forecast.figure(row, name, count) for name in
            ("low_95", "high_95", "low_80", "high_80")}  # fmt: skip
    if row is None or expected is None or None in ends.values():
        return None
    marks = [
        Mark("span wide", ends["low_95"], ends["high_95"]),
        Mark("span", ends["low_80"], ends["high_80"]),
        Mark("dot", expected),
    ]
    told = [expected, "  (", ends["low_80"], " to ", ends["high_80"], ")"]
    lines = [Line(f"{story.entry_term}, expected", marks, told)]
    for term, figure in _enrolled(story, **kind):
        lines.append(
            Line(f"{term}, {story.did.removeprefix('were ')}", [Mark("tick last", figure)], figure)
        )
    capacity = forecast.figure(row, "capacity", count)
    if capacity:
        lines.append(Line("Places", [Mark("tick", capacity)], capacity))
    title = f"Expected headcount of {story.entry_term}: {expected}."
    chart = lines_chart(title, lines, Scale.over(values_of(lines)), count)
    return Version(title, chart, Markup("{} {}").format(RANGES_AND_TICK, row["note"] or ""))


def _enrolled(story: Story, **kind: str) -> list[tuple[str, Figure]]:
    """List the enrolled of the last two closed cycles, the latest first."""
    table = story.tables["rpt_headcount_backtest"]
    found: dict[str, Figure] = {}
    for row in table.where(**kind):
        figure = table.figure(row, "actual", count)
        if figure:
            found.setdefault(row["entry_term"], figure)
    return sorted(found.items(), key=lambda item: -story.order.get(item[0], -1))[:2]


def class_block(cards: Sequence[Mapping[str, Any]]) -> Block:
    """Show where the class comes from: expected of each persona, beside the last cycle."""
    block = Block("class", "Where the class comes from")
    lines, expected = [], []
    for card in cards:
        if not card["expected"]:
            continue
        expected.append(card["expected"])
        before = card["before"]
        marks = [Mark("span", card["low"], card["high"]), Mark("dot", card["expected"])]
        if before:
            marks.insert(0, Mark("tick last", before["actual"]))
        if not card["low"]:
            marks = [mark for mark in marks if not mark.kind.startswith("span")]
        lines.append(Line(card["name"], marks, card["expected"], card["key"]))
    if not lines:
        return block
    top = cards[0]
    share = top["expected"].value / sum(figure.value for figure in expected)
    finding = f"{top['name']} are {'most' if share > 0.5 else 'the largest part'} of the class."
    chart = lines_chart(
        "What is expected of each persona, and what the cycle before came to.",
        lines,
        Scale.over(values_of(lines), zero=True),
        count,
    )
    block.versions[ALL] = Version(finding, chart, KEY_TO_MARKS)
    return block


def funnel(story: Story) -> Block:
    """Compare how far people are with the same day of the cycle before."""
    table = story.tables["rpt_funnel_by_cycle_day"]
    block = Block("funnel", "The same day last cycle")
    rows = table.where(entry_term=story.entry_term)
    for key in (ALL, *story.names):
        steps = sorted(
            (row for row in rows if row["persona_key"] == key),
            key=lambda r: r["stage_rank"],
        )
        shown = [row for row in steps if row["n_reached"] is not None]
        if shown:
            block.versions[key] = _funnel(table, steps)
    return block


def _funnel(table: Table, steps: Sequence[Row]) -> Version:
    lines, most, moves = [], 1.0, []
    for row in steps:
        now = table.figure(row, "n_reached", count)
        then = table.figure(row, "n_reached_previous_cycle", count)
        most = max([most, *(figure.value for figure in (now, then) if figure)])
        told: list[object] = [now if now else HIDDEN, ", was ", then if then else "not shown"]
        lines.append(
            Line(stage(str(row["stage"])), [Mark("bar", now), Mark("tick last", then)], told)
        )
        if now and then and then.value:
            change = now.value / then.value - 1
            ratio = "n_reached / n_reached_previous_cycle - 1"
            moved = Figure(change, percent(abs(change)), table.name, now.key, ratio)
            moves.append((moved, stage(str(row["stage"])).lower()))
    title = "How far applications came by this day, this cycle and the one before."
    chart = lines_chart(title, lines, Scale.over([0, most], zero=True), count)
    return Version(_funnel_finding(moves), chart, BAR_AND_TICK)


def _funnel_finding(moves: Sequence[tuple[Figure, str]]) -> Markup:
    if not moves:
        return Markup("There is no cycle to compare with.")
    last = moves[-1]
    strongest = max(moves[:-1], key=lambda move: abs(move[0].value), default=last)
    parts = []
    for change, name in dict.fromkeys([strongest, last]):
        more = "more" if change.value > 0 else "fewer"
        parts.append(Markup("{} {} {}").format(name, change, more))
    return Markup("Beside the same day last cycle: {}.").format(Markup(" and ").join(parts))


def changes(story: Story) -> Block:
    """Count whose likelihood rose and fell since the compared day."""
    block = Block("changes", "Where likelihoods rose and fell")
    rows = story.tables["rpt_score_changes"].rows
    if not rows:
        return block
    (rose, all_rose), (fell, all_fell) = (_moved(story, move) for move in ("rose", "fell"))
    lines = [
        Line(
            name,
            [Mark("bar", rose.get(key)), Mark("tick last", fell.get(key))],
            [rose.get(key) or NONE, " rose, ", fell.get(key) or NONE, " fell"],
            key,
        )
        for key, name in story.names.items()
    ]
    finding = Markup("Since {}, the likelihood of {} people rose and of {} fell.").format(
        day(rows[0]["compared_as_of"]), all_rose or "few", all_fell or "few"
    )
    chart = lines_chart(
        "People whose likelihood rose and fell.",
        lines,
        Scale.over([*values_of(lines), 1.0], zero=True),
        count,
    )
    note = Markup(
        '<span class="key"><i class="bar"></i> rose</span> <span class="key"><i class="tick"></i>'
        " fell</span> <span>A dash is none, or too few to show.</span>"
    )
    block.versions[ALL] = Version(finding, chart, note)
    return block


def _moved(story: Story, direction: str) -> tuple[dict[str, Figure], Figure | None]:
    """Count the people of each persona whose likelihood moved so, and all; few are left out."""
    table, least = story.tables["rpt_score_changes"], int(story.facts["min_cell"])
    rows = table.where(direction=direction)
    cells = {row["to_persona_key"]: row for row in rows if row["to_persona_key"]}
    hidden = small_cells({key: row[CHANGED] for key, row in cells.items()}, least)
    total = table.figure(table.one(direction=direction, to_persona_key=None), CHANGED, count)
    # One that is hidden alone would be told by the total.
    if total and (total.value < least or len(hidden) == 1):
        total = None
    shown = {
        key: table.figure(row, CHANGED, count) for key, row in cells.items() if key not in hidden
    }
    return {key: figure for key, figure in shown.items() if figure}, total


def small_cells(counts: Mapping[str, int], min_cell: int) -> set[str]:
    """List the cells that are not shown: the small, and one more where only one is small."""
    hidden = {key for key, n in counts.items() if 0 < n < min_cell}
    others = sorted((n, key) for key, n in counts.items() if n >= min_cell)
    if len(hidden) == 1 and others:
        hidden.add(others[0][1])
    return hidden


def personas_title(cards: Sequence[Mapping[str, Any]]) -> str:
    """Tell how many personas there are, and which brings most of the class."""
    kinds = f"{capital(number(len(cards)))} kinds of applicants"
    if not cards or not cards[0]["expected"]:
        return f"{kinds}."
    return f"{kinds}; {lower(cards[0]['name'])} will bring the most."


def why_no_funnel(story: Story) -> list[str]:
    """Say why there is no comparison with the cycle before."""
    if story.status and any(
        row["is_static"] for row in story.tables["rpt_persona_enrollment"].rows
    ):
        return ["The input has no dates, so no day of this cycle can be compared with another."]
    return ["There is no open cycle whose stages are dated, so there is nothing to compare."]
