"""What the page tells: from rows of marts to sentences, figures and charts, section by section."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from applicant_personas.page.figures import (
    HIDDEN,
    NONE,
    WIDTH,
    Figure,
    Line,
    Mark,
    Row,
    Scale,
    Table,
    count,
    decimals,
    draw,
    fine,
    lines_chart,
    natural,
    percent,
    svg,
    text,
)
from applicant_personas.page.words import capital, day, listed, lower, model, number, stage

ALL = "all"


@dataclass
class Block:
    """A part of the page: what was found, a chart, and a note; for each persona that it follows."""

    name: str
    title: str
    versions: dict[str, Version] = field(default_factory=dict)
    lede: str = ""


@dataclass(frozen=True)
class Version:
    """A block for everyone, or for one persona: a finding, the chart, and what to know of it."""

    finding: object
    chart: Markup | None = None
    note: object = ""


class Story:
    """The page's content, made of tables of marts."""

    def __init__(self, tables: Mapping[str, Table], facts: Mapping[str, Any]) -> None:
        self.tables = tables
        self.facts = facts
        self.absent = set(facts["absent"])
        self.personas = tables["dim_personas"].where(is_active=True)
        self.names = {str(row["persona_key"]): str(row["persona_name"]) for row in self.personas}
        terms = sorted(
            tables["dim_entry_terms"].rows,
            key=lambda row: (row["term_order"] is None, row["term_order"] or 0),
        )
        self.order = {row["entry_term"]: place for place, row in enumerate(terms)}
        is_open = [row for row in terms if row["is_open"]]
        dated = sorted(
            (row for row in is_open if row["census_on"]), key=lambda r: str(r["census_on"])
        )
        self.term = next(iter(dated or is_open or terms[-1:]), None)
        self.entry_term = str(self.term["entry_term"]) if self.term else ""
        self.status = next(iter(tables["dq_build_status"].rows), {})

    # --- the front: who, how many, how far ------------------------------------------------------

    def heading(self) -> dict[str, Any]:
        """Tell the headcount of the open cycle in a sentence, with its interval."""
        forecast = self.tables["rpt_headcount_forecast"]
        row = forecast.one(entry_term=self.entry_term, breakdown=ALL)
        expected = forecast.figure(row, "expected", count)
        low, high = (forecast.figure(row, f"{end}_80", count) for end in ("low", "high"))
        days = forecast.figure(row, "days_to_census", count)
        last = self._last_actual()
        capacity = forecast.figure(row, "capacity", count)
        over = forecast.figure(row, "p_over_capacity", percent)
        lines = [
            Line(
                f"{self.entry_term}, expected",
                [
                    Mark("span wide", forecast.figure(row, "low_95", count),
                         forecast.figure(row, "high_95", count)),
                    Mark("span", low, high),
                    Mark("dot", expected),
                ],
                [expected, "  (", low, " to ", high, ")"],
            )
        ]  # fmt: skip
        marks = [mark for line in lines for mark in line.marks]
        for term, figure in last:
            lines.append(Line(f"{term}, enrolled", [Mark("tick last", figure)], figure))
        if capacity:
            lines.append(Line("Places", [Mark("tick", capacity)], capacity))
        marks += [mark for line in lines[1:] for mark in line.marks]
        chart = None
        if expected and low and high:
            values = [f.value for mark in marks for f in (mark.at, mark.to) if f]
            title = f"Expected headcount of {self.entry_term}: {expected}, {low} to {high}."
            chart = lines_chart(title, lines, Scale.over(values), count)
        return {
            "term": self.entry_term,
            "as_of": day(self.status.get("as_of")),
            "days": days,
            "expected": expected,
            "low": low,
            "high": high,
            "last": last[0] if last else None,
            "capacity": capacity,
            "over": over,
            "chart": chart,
            "note": row["note"] if row else None,
            "others": [
                (str(other["entry_term"]), forecast.figure(other, "expected", count))
                for other in forecast.where(breakdown=ALL)
                if other["entry_term"] != self.entry_term and other["expected"] is not None
            ],
        }

    def _last_actual(self) -> list[tuple[str, Figure]]:
        """List the enrolled of closed cycles, the latest first."""
        table = self.tables["rpt_headcount_backtest"]
        found: dict[str, Figure] = {}
        for row in table.where(breakdown=ALL):
            figure = table.figure(row, "actual", count)
            if figure:
                found.setdefault(str(row["entry_term"]), figure)
        return sorted(found.items(), key=lambda item: -self.order.get(item[0], -1))[:2]

    def cards(self) -> list[dict[str, Any]]:
        """Make a card of each persona, the most expected enrollments first."""
        cards = [self._card(row) for row in self.personas]
        return sorted(
            cards,
            key=lambda card: (-(card["expected"].value if card["expected"] else -1), card["key"]),
        )

    def _card(self, row: Row) -> dict[str, Any]:
        key = str(row["persona_key"])
        personas, enrollment = self.tables["dim_personas"], self.tables["rpt_persona_enrollment"]
        forecast = self.tables["rpt_headcount_forecast"]
        rules = self.tables["rpt_persona_rules"]
        coming = forecast.one(entry_term=self.entry_term, breakdown="persona", breakdown_value=key)
        present = enrollment.one(entry_term=self.entry_term, phase=ALL, persona_key=key)
        closed = [
            other
            for other in enrollment.where(phase=ALL, persona_key=key, is_open=False)
            if other["actual_enrollments"] is not None
        ]
        before = max(closed, key=lambda r: self.order.get(r["entry_term"], -1), default=None)
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
            "traits": self._traits(key),
            "movers": self._movers(key),
            "change": self._change(key),
        }  # fmt: skip
        card["rates"] = self._rates(card)
        return card

    def _rates(self, card: dict[str, Any]) -> Markup | None:
        """Draw the expected rate of this cycle over what the last one came to."""
        before, rate = card["before"], card["rate"]
        if not rate:
            return None
        scale = Scale(0, 1)
        marks = [Mark("dot", rate)]
        if before and before["rate"]:
            marks = [Mark("span last", before["low"], before["high"]),
                     Mark("tick last", before["rate"]), *marks]  # fmt: skip
        body = [self._rail(scale, 12), *(draw(each, scale, 12) for each in marks)]
        title = f"{card['name']}: {rate} are expected to enroll"
        if before and before["rate"]:
            title += f"; in {before['term']} {before['rate']} did"
        return svg(24, title + ".", body, "strip")

    @staticmethod
    def _rail(scale: Scale, y: float) -> Markup:
        return Markup('<line x1="{}" x2="{}" y1="{}" y2="{}" class="rail"/>').format(
            scale.left, scale.right, y, y
        )

    def _traits(self, key: str) -> list[dict[str, Any]]:
        """Draw the traits that the persona's card tells, each on the distribution of the pool."""
        table = self.tables["rpt_persona_traits"]
        told = [
            row["line"]
            for row in self.tables["rpt_persona_cards"].where(persona_key=key, topic="trait")
        ]
        traits = [row for row in table.where(persona_key=key) if row["sentence"] in told]
        traits.sort(key=lambda row: told.index(row["sentence"]))
        return [self._trait(row) for row in traits[:5]]

    def _trait(self, row: Row) -> dict[str, Any]:
        table = self.tables["rpt_persona_traits"]
        label = str(row["label"])
        if row["direction"] in ("known", "missing"):
            # That it is there, or not, is the trait.
            own, pool = (
                table.rest(row, c, percent) for c in ("share_missing", "overall_share_missing")
            )
            scale = Scale(0, 1)
            body = [self._rail(scale, 22)]
            label = f"{label}: known"
        else:
            own, pool = (
                table.figure(row, "mean", natural),
                table.figure(row, "overall_mean", natural),
            )
            bins = self.tables["fct_applicant_features"].where(feature=row["feature"])
            ends = (bins[0]["low"], bins[0]["high"]) if bins else (0.0, 1.0)
            values = [*ends, *(figure.value for figure in (own, pool) if figure)]
            scale = Scale(min(values), max(max(values), min(values) + 1e-9))
            is_share = set(ends) == {0.0, 1.0} and len(bins) <= 2
            if is_share:
                own, pool = (table.figure(row, c, percent) for c in ("mean", "overall_mean"))
                body = [self._rail(scale, 22)]
            else:
                body = [_hill(bins, ends, scale), self._rail(scale, 22)]
                quartiles = [
                    table.figure(row, f"{e}_quartile", natural) for e in ("lower", "upper")
                ]
                body.append(draw(Mark("span", quartiles[0], quartiles[1]), scale, 22))
        body += [draw(Mark("tick", pool), scale, 22), draw(Mark("dot", own), scale, 22)]
        title = f"{label}: {own or HIDDEN}, against {pool} among all applicants."
        return {"label": label, "own": own, "pool": pool, "sentence": row["sentence"],
                "chart": svg(32, title, body, "strip")}  # fmt: skip

    def _movers(self, key: str) -> list[dict[str, Any]]:
        """List what moves the persona's likelihood beyond chance, the strongest first."""
        table = self.tables["rpt_feature_importance"]
        rows = [
            row
            for row in table.where(
                scope=key, is_block=False, is_noise_control=False, beats_noise=True
            )
            if row["target"] != "persona"
        ]
        rows.sort(key=lambda row: -row["importance"])
        first: dict[object, Row] = {}
        for row in rows:
            first.setdefault(row["feature"], row)
        return [
            {"label": _feature(row), "direction": row["direction"], "phase": row["phase"],
             "importance": table.figure(row, "importance", fine)}
            for row in list(first.values())[:3]
        ]  # fmt: skip

    def _change(self, key: str) -> dict[str, Any] | None:
        """Tell how the persona's share changed since the cycle before, beside what chance does."""
        table = self.tables["rpt_persona_drift"]
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

    def class_block(self, cards: Sequence[Mapping[str, Any]]) -> Block:
        """Show where the class comes from: expected of each persona, beside the last cycle."""
        block = Block("class", "Where the class comes from")
        lines, values, expected = [], [], []
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
            values += [f.value for mark in marks for f in (mark.at, mark.to) if f]
            lines.append(Line(card["name"], marks, card["expected"], card["key"]))
        if not lines:
            return block
        top = cards[0]
        share = top["expected"].value / sum(figure.value for figure in expected)
        finding = f"{top['name']} are {'most' if share > 0.5 else 'the largest part'} of the class."
        chart = lines_chart(
            "Expected enrollments of each persona, and what the cycle before came to.",
            lines,
            Scale.over(values, zero=True),
            count,
        )
        block.versions[ALL] = Version(finding, chart, KEY_TO_MARKS)
        return block

    def funnel(self) -> Block:
        """Compare how far people are with the same day of the cycle before."""
        table = self.tables["rpt_funnel_by_cycle_day"]
        block = Block("funnel", "The same day last cycle")
        rows = table.where(entry_term=self.entry_term)
        for key in (ALL, *self.names):
            steps = sorted(
                (row for row in rows if row["persona_key"] == key),
                key=lambda r: r["stage_rank"],
            )
            shown = [row for row in steps if row["n_reached"] is not None]
            if shown:
                block.versions[key] = self._funnel(table, steps)
        previous = {str(row["previous_entry_term"]) for row in rows if row["previous_entry_term"]}
        if previous:
            block.lede = (
                f"How many applications had come how far by this day, beside {previous.pop()} on"
                " the same day before its census."
            )
        return block

    def _funnel(self, table: Table, steps: Sequence[Row]) -> Version:
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

    def changes(self) -> Block:
        """Count whose likelihood rose and fell since the compared day."""
        block = Block("changes", "Where likelihoods rose and fell")
        table = self.tables["rpt_score_changes"]
        column = "count(distinct person_id)"
        lines = []
        for direction in ("rose", "fell"):
            cells = {
                str(row["to_persona_key"]): row
                for row in table.where(direction=direction)
                if row["to_persona_key"] in self.names
            }
            hidden = small_cells(
                {key: int(row[column]) for key, row in cells.items()},
                int(self.facts["min_cell"]),
            )
            for key, row in cells.items():
                figure = None if key in hidden else table.figure(row, column, count)
                lines.append((key, direction, figure))
        if not lines:
            return block
        drawn = []
        most = max((figure.value for _, _, figure in lines if figure), default=1.0)
        for key, name in self.names.items():
            own = {direction: figure for k, direction, figure in lines if k == key}
            told: list[object] = [
                own.get("rose") or NONE,
                " rose, ",
                own.get("fell") or NONE,
                " fell",
            ]
            marks = [Mark("bar", own.get("rose")), Mark("tick last", own.get("fell"))]
            drawn.append(Line(name, marks, told, key))
        since = next(row["compared_as_of"] for row in table.rows)
        totals = {
            direction: table.figure(
                table.one(direction=direction, to_persona_key=None), column, count
            )
            for direction in ("rose", "fell")
        }
        rose, fell = totals["rose"], totals["fell"]
        finding = Markup("Since {}, the likelihood of {} people rose and of {} fell.").format(
            day(since), rose or "no", fell or "no"
        )
        chart = lines_chart(
            "People whose likelihood rose and fell.",
            drawn,
            Scale.over([0, most], zero=True),
            count,
        )
        note = "Bars rose, ticks fell; a dash is none, or too few to show."
        block.versions[ALL] = Version(finding, chart, note)
        return block

    def personas_title(self, cards: Sequence[Mapping[str, Any]]) -> str:
        """Tell how many personas there are, and which brings most of the class."""
        kinds = f"{capital(number(len(cards)))} kinds of applicants"
        if not cards[0]["expected"]:
            return f"{kinds}."
        return f"{kinds}; {lower(cards[0]['name'])} will bring the most enrollments."

    def why_no_funnel(self) -> list[str]:
        """Say why there is no comparison with the cycle before."""
        if self.status and any(
            row["is_static"] for row in self.tables["rpt_persona_enrollment"].rows
        ):
            return ["The input has no dates, so no day of this cycle can be compared with another."]
        return ["There is no open cycle whose stages are dated, so there is nothing to compare."]

    def not_there(self) -> list[str]:
        """Say which parts the copy has no mart for."""
        parts = {
            "rpt_score_changes": "where likelihoods rose and fell",
            "audit_fairness": "fairness",
        }
        lacking = [words for mart, words in parts.items() if not self.tables[mart].rows]
        return [f"There is nothing yet to tell of {listed(lacking)}."] if lacking else []

    # --- can I trust this? -----------------------------------------------------------------------

    def backtest(self) -> Block:
        """Show what would have been forecast of closed cycles, beside what happened."""
        table = self.tables["rpt_headcount_backtest"]
        block = Block("backtest", "Would it have been right before?")
        own_day = self.tables["rpt_headcount_forecast"].one(
            entry_term=self.entry_term, breakdown=ALL
        )
        days = own_day and own_day["days_to_census"]
        for key in (ALL, *self.names):
            kind = {"breakdown": ALL} if key == ALL else {
                "breakdown": "persona", "breakdown_value": key}  # fmt: skip
            rows = [row for row in table.where(**kind) if row["expected"] is not None]
            rows = [row for row in rows if row["actual"] is not None]
            rows.sort(key=lambda r: (self.order.get(r["entry_term"], 0), -r["days_to_census"]))
            if key != ALL:
                rows = [row for row in rows if row["days_to_census"] == days]
            if rows:
                block.versions[key] = self._backtest(table, rows)
        return block

    def _backtest(self, table: Table, rows: Sequence[Row]) -> Version:
        lines, values = [], []
        for row in rows:
            expected, actual = (table.figure(row, c, count) for c in ("expected", "actual"))
            low, high = (table.figure(row, f"{end}_80", count) for end in ("low", "high"))
            marks = [Mark("span", low, high), Mark("dot", expected), Mark("tick last", actual)]
            if not low or not high:
                marks = marks[1:]
            values += [f.value for mark in marks for f in (mark.at, mark.to) if f]
            label = f"{row['entry_term']}, {row['days_to_census']} days before"
            lines.append(Line(label, marks, [expected, " expected, ", actual, " came"]))
        inside = sum(bool(row["inside_80"]) for row in rows)
        finding = (
            f"{capital(number(inside))} of {number(len(rows))} forecasts held what happened in the"
            " interval that should hold eight in ten."
        )
        title = "Forecasts of closed cycles beside what happened."
        note = "Dot and band: what would have been forecast, 80 % interval. Tick: who enrolled."
        return Version(finding, lines_chart(title, lines, Scale.over(values), count), note)

    def baselines(self) -> Block:
        """Compare the likelihood with simpler rules on the same people."""
        table = self.tables["rpt_model_evaluation"]
        block = Block("baselines", "Would a simple rule do?")
        phase = self._whole_phase()
        headline = self.tables["rpt_model_headlines"].one(phase=phase)
        for key in (ALL, *self.names):
            kind = {"slice": ALL} if key == ALL else {"slice": "persona", "slice_value": key}
            rows = [row for row in table.where(phase=phase, **kind) if row["value"] is not None]
            cycles = {row["test_cycle"] for row in rows}
            cycle = (
                ALL + "_cycles" if ALL + "_cycles" in cycles else next(iter(sorted(cycles)), None)
            )
            rows = [row for row in rows if row["test_cycle"] == cycle]
            rows.sort(key=lambda row: -row["value"])
            lines = []
            for row in rows:
                at, low, high = (table.figure(row, c, decimals) for c in ("value", "low", "high"))
                is_ours = row["model"] == "likelihood"
                marks = (
                    [Mark("span" if is_ours else "span plain", low, high)] if low and high else []
                )
                marks.append(Mark("dot" if is_ours else "dot plain", at))
                lines.append(Line(model(str(row["model"])), marks, at))
            if lines:
                finding = str(headline["sentence"]) if headline and key == ALL else (
                    f"Among {self.names.get(key, 'everyone')}, by AUC.")  # fmt: skip
                chart = lines_chart(
                    "AUC of the likelihood and of simpler rules.", lines, Scale(0.4, 1), decimals,
                    (0.5, "a coin"),
                )  # fmt: skip
                note = (
                    "AUC: how often someone who enrolled had the higher likelihood of two people;"
                    " .5 is a coin, 1 is always. Bands: 95 %."
                )
                block.versions[key] = Version(finding, chart, note)
        return block

    def _whole_phase(self) -> str:
        """Give the phase that stands for the whole ladder; without one, the first."""
        phases = [str(row["phase"]) for row in self.tables["rpt_model_headlines"].rows]
        return ALL if ALL in phases or not phases else phases[0]

    def calibration(self) -> Block:
        """Show whether of those at 70 % seven in ten enrolled."""
        table = self.tables["rpt_calibration"]
        block = Block("calibration", "Is a likelihood of 70 % right seven times in ten?")
        for key in (ALL, *self.names):
            rows = table.where(phase=self._whole_phase(), slice_value=key)
            cycles = {str(row["test_cycle"]) for row in rows}
            cycle = (
                ALL + "_cycles" if ALL + "_cycles" in cycles else next(iter(sorted(cycles)), None)
            )
            rows = [row for row in rows if row["test_cycle"] == cycle and row["n"]]
            if rows:
                finding: object = f"Among {self.names.get(key)}."
                if key == ALL:
                    finding = self._gap()
                block.versions[key] = self._calibration(table, rows, finding)
        return block

    def _gap(self) -> object:
        """Tell how far likelihoods and rates were apart in the last test."""
        table = self.tables["rpt_model_headlines"]
        row = table.one(phase=self._whole_phase())
        gap = table.figure(row, "ece", lambda v: f"{100 * v:.0f} points")
        if row is None or gap is None:
            return "Expected beside what happened."
        return Markup("In the test on {}, likelihoods were off by {} on average.").format(
            row["test_cycle"], gap
        )

    def _calibration(self, table: Table, rows: Sequence[Row], finding: object) -> Version:
        x, y = Scale(0, 1, 34, WIDTH - 12), Scale(0, 1, 300, 12)
        body = _frame(x, y, percent, "expected to enroll", "enrolled")
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
                        f"{said} expected, {did} of {row['n']} enrolled",
                    )
                )  # fmt: skip
        title = "Expected against actual rate, by tenth of likelihood."
        return Version(
            finding, svg(336, title, body, "square"), "Each dot is a tenth of the people."
        )

    def number_of_personas(self) -> Block:
        """Show why there are as many personas as there are."""
        table = self.tables["rpt_persona_selection"]
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

    def persona_map(self) -> Block:
        """Draw the personas on the two directions in which applicants differ most."""
        table = self.tables["fct_applicant_positions"]
        block = Block("map", "Who is near whom?")
        one, two = (f"round(avg(position_{i}), 4)" for i in (1, 2))
        rows = [row for row in table.rows if row["persona_key"] in self.names]
        if not rows:
            return block
        spreads = {str(row["persona_key"]): _ellipse(row) for row in rows}
        ends = [(row[one], row[two], spreads[str(row["persona_key"])][0]) for row in rows]
        x = Scale.over([v for a, _, r in ends for v in (a - r, a + r)])
        y = Scale.over([v for _, b, r in ends for v in (b - r, b + r)])
        unit = (WIDTH - 16) / (x.high - x.low)
        height = max(260.0, min(420.0, (y.high - y.low) * unit))
        y = Scale(y.low, y.high, height - 8, 8)
        stretch = (height - 16) / (y.high - y.low)
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
        for cx, cy, key in _apart(labels):
            words = _two_lines(self.names[key])
            spans = Markup("").join(
                Markup('<tspan x="{}" dy="{}">{}</tspan>').format(cx, 12 if i else 0, word)
                for i, word in enumerate(words)
            )
            anchor = "end" if cx > WIDTH - 80 else "start" if cx < 80 else "middle"
            body.append(
                Markup('<g data-persona="{}">{}</g>').format(
                    key, text(cx, cy, spans, f"small {anchor}")
                )
            )
        assert stretch
        block.versions[ALL] = Version(
            "Personas that lie close share applicants who could be either.",
            svg(height, "Map of the personas by their principal components.", body, "map"),
            "The two directions in which applicants differ most (principal components); a cloud"
            " holds about half of a persona's people.",
        )
        return block

    def importance(self) -> Block:
        """Show what matters for enrollment, for everyone and within each persona."""
        table = self.tables["rpt_feature_importance"]
        block = Block("importance", "What tells who will enroll?")
        rows = [
            row
            for row in table.where(is_block=False, is_noise_control=False)
            if row["target"] != "persona" and row["importance"] is not None
        ]
        for scope in ("global", *self.names):
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
                label = f"{_feature(row)} ({row['phase']}){arrow}"
                lines.append(Line(_short(label), marks, at))
            if lines:
                telling = [row for row in first.values() if row["beats_noise"]]
                finding = (
                    f"{_feature(telling[0])} tells most."
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

    def fairness(self) -> Block:
        """Tell whether groups of people are treated alike, where the audit is there."""
        table = self.tables["audit_fairness"]
        block = Block("fairness", "Is it fair?")
        whole = {row["phase"] for row in table.rows}
        phase = self._whole_phase() if self._whole_phase() in whole else next(iter(whole), None)
        ratios = [
            row
            for row in table.where(phase=phase, metric="selection_rate_ratio")
            if row["value"] is not None
        ]
        gaps = [row for row in table.rows if row["is_gap"]]
        lines = []
        for row in ratios[:14]:
            at = table.figure(row, "value", decimals)
            low, high = (table.figure(row, c, decimals) for c in ("low", "high"))
            marks = [Mark("span plain", low, high)] if low and high else []
            marks.append(Mark("dot" if row["is_gap"] else "dot plain", at))
            lines.append(Line(f"{row['attribute']}: {row['group']}".replace("_", " "), marks, at))
        if lines:
            values = [f.value for line in lines for m in line.marks for f in (m.at, m.to) if f]
            finding = (
                f"{capital(number(len(gaps)))} difference{'s' if len(gaps) != 1 else ''} between"
                " groups should be looked at."
                if gaps
                else "No difference between groups is beyond chance and worth a look."
            )
            chart = lines_chart(
                "Selection rate of each group over that of the largest one.",
                lines, Scale.over([*values, 0.8, 1.25]), decimals, (1.0, "alike"),
            )  # fmt: skip
            block.versions[ALL] = Version(
                finding, chart,
                "Share of the group in the upper half of likelihoods over that of the largest"
                " group; protected attributes are read by this audit alone.",
            )  # fmt: skip
        return block

    def quality(self) -> dict[str, list[str]]:
        """List what was read, refused and is missing, in the build's own sentences."""
        rows = self.tables["dq_build_summary"].where(is_headline=True)
        warnings = [str(row["sentence"]) for row in rows if row["severity"] == "warning"]
        off = [
            f"{row['capability']}: {row['reason']}"
            for row in self.tables["dq_capabilities"].rows
            if row["level"] in ("table", "block") and not row["is_available"]
        ]
        balances = [row["balanced"] for row in self.tables["dq_reconciliation"].rows]
        told = [str(row["sentence"]) for row in rows if row["severity"] != "warning"]
        if balances:
            told.append(
                "Every row is accounted for, from the input to the marts."
                if all(balances)
                else f"{balances.count(False)} counts do not balance: see dq_reconciliation."
            )
        return {"warnings": warnings, "off": off, "told": told}

    def runs(self) -> list[dict[str, object]]:
        """List the fits that are in use."""
        return [
            {"kind": str(row["kind"]).replace("-", ", "), "as_of": day(row["as_of"]),
             "n": self.tables["fct_model_runs"].figure(row, "n_rows", count), "run": row["run_id"],
             "why": row["refit_reason"]}
            for row in self.tables["fct_model_runs"].rows
            if row["status"] != "replaced"
        ]  # fmt: skip

    def missing(self, *topics: str) -> list[str]:
        """Say why something can't be told, in the build's own words."""
        rows = self.tables["dq_build_summary"].rows
        found = [
            str(r["sentence"]) for r in rows if r["topic"] in topics and r["severity"] == "warning"
        ]
        return found or [str(row["sentence"]) for row in rows if row["topic"] == "empty"]


KEY_TO_MARKS = Markup(
    '<span class="key"><i class="dot"></i> expected, with the range that holds 8 in 10</span>'
    ' <span class="key"><i class="tick"></i> enrolled last cycle</span>'
)
BAR_AND_TICK = Markup(
    '<span class="key"><i class="bar"></i> this cycle</span>'
    ' <span class="key"><i class="tick"></i> the one before, same day</span>'
)


def small_cells(counts: Mapping[str, int], min_cell: int) -> set[str]:
    """List the cells that are not shown: the small, and one more where only one is small."""
    hidden = {key for key, n in counts.items() if 0 < n < min_cell}
    others = sorted((n, key) for key, n in counts.items() if n >= min_cell)
    if len(hidden) == 1 and others:
        hidden.add(others[0][1])
    return hidden


def _verdict(chosen: Row) -> str:
    """Tell in a line how sound the number of personas is; the mart's reason has the figures."""
    k = capital(number(chosen["k"]))
    return {
        "groups": f"{k} groups hold nearly all the structure there is.",
        "continuum": f"A continuum rather than groups; {number(chosen['k'])} cut it into parts.",
        "unproven": f"{k} groups are used, and no number of groups is proven.",
    }.get(chosen["verdict"], f"{k} personas.")


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


def _apart(labels: Sequence[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    """Give each label a place by its dot, below or above, where it covers no other."""
    placed: list[tuple[float, float, str]] = []
    taken = [(x, y) for x, y, _ in labels]
    for x, y, key in sorted(labels, key=lambda label: label[1]):
        places = [(x, y + down) for down in (20, -22, 32, -34, 46, -48)]
        place = next(
            (
                (px, py)
                for px, py in places
                if all(abs(px - ox) > 105 or abs(py - oy) > 27 for ox, oy, _ in placed)
                and all(abs(px - ox) > 60 or not -14 < oy - py < 18 for ox, oy in taken)
            ),
            places[0],
        )
        placed.append((*place, key))
    return placed


def _two_lines(name: str) -> list[str]:
    words = name.split()
    half = (len(words) + 1) // 2
    return [" ".join(words[:half]), " ".join(words[half:])] if len(words) > 2 else [name]


def _short(label: str, most: int = 52) -> str:
    return label if len(label) <= most else label[: most - 1].rstrip() + "…"


def _feature(row: Row) -> str:
    return "Persona" if row["feature"] == "persona_key" else str(row["feature_label"])
