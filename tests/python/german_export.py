"""A sample as a German university exports it: semicolons, 31.12.2023, 1,3, its own words.

german_export.py SAMPLE OUTPUT_DIR: reads the CSV tables of `applicant-personas sample`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

BEST, PASS, WORST = 1.0, 4.0, 5.0
STAGES = {
    "inquiry": "Anfrage",
    "started": "Begonnen",
    "submitted": "Eingegangen",
    "complete": "Vollständig",
    "in_review": "In Prüfung",
    "waitlisted": "Losverfahren",
    "admitted_conditional": "Bedingte Zulassung",
    "admitted": "Zulassung",
    "denied": "Ablehnung",
    "declined_by_applicant": "Absage Bewerber",
    "withdrawn": "Zurückgezogen",
    "deferred": "Verschoben",
    "deposited": "Studienplatz angenommen",
    "visa_issued": "Visum erteilt",
    "registered": "Angemeldet",
    "enrolled": "Immatrikuliert",
    "no_show": "Nicht erschienen",
}
COUNTRIES = {
    "US": "Vereinigte Staaten",
    "IN": "Indien",
    "CN": "China",
    "NG": "Nigeria",
    "DE": "Deutschland",
    "BR": "Brasilien",
    "GB": "Vereinigtes Königreich",
    "FR": "Frankreich",
    "BD": "Bangladesch",
    "GH": "Ghana",
    "IR": "Iran",
    "KR": "Südkorea",
    "MX": "Mexiko",
    "NP": "Nepal",
    "PK": "Pakistan",
    "TR": "Türkei",
    "VN": "Vietnam",
    "CA": "Kanada",
}
TYPES = {
    "webinar": "Online-Infoveranstaltung",
    "chat": "Mappenberatung",
    "call": "Anruf",
    "open_day": "Tag der offenen Tür",
    "campus_visit": "Campusbesuch",
    "fair": "Studienmesse",
    "interview": "Auswahlgespräch",
    "email_click": "E-Mail-Klick",
    "email_open": "E-Mail geöffnet",
    "form": "Kontaktformular",
    "portal_login": "Portal-Anmeldung",
    "intent_survey": "Umfrage Studienabsicht",
    "admitted_day": "Tag für Zugelassene",
}
ATTENDANCE = {"registered": "angemeldet", "attended": "teilgenommen", "no_show": "nicht erschienen"}
TESTS = {"toefl_ibt": "TOEFL iBT", "ielts": "IELTS", "pte": "PTE", "duolingo": "Duolingo",
    "toefl_pbt": "TOEFL PBT", "toefl_cbt": "TOEFL CBT", "gre": "GRE"}  # fmt: skip
PARTS = {
    "total": "Gesamt",
    "verbal": "Verbaler Teil",
    "quant": "Mathematik",
    "writing": "Schreiben",
}
CHECKED = {"self_reported": "ungeprüft", "verified": "geprüft", "cancelled": "annulliert"}


def write_export(sample: Path, folder: Path, bad_dates: Sequence[str] = ()) -> None:
    """Write the tables of a sample into a folder as a German system would.

    `bad_dates`: what stands in place of the first days of submission.
    """
    folder.mkdir(parents=True)
    tables = export(sample)
    applications = tables["Bewerbungen"]
    submitted = applications.index[applications["Eingereicht am"] != ""]
    applications.loc[submitted[: len(bad_dates)], "Eingereicht am"] = list(bad_dates)
    for name, table in tables.items():
        text = table.to_csv(index=False, sep=";", lineterminator="\r\n")
        (folder / f"{name}.csv").write_bytes(text.encode("cp1252"))


def export(sample: Path) -> dict[str, pd.DataFrame]:
    """Return the tables of a sample by their German names, all columns as text."""
    people, applications, events, scores, education, interactions, terms, programs = (
        pd.read_csv(sample / f"{name}.csv", dtype=str, keep_default_na=False)
        for name in (
            "persons", "applications", "stage_events", "test_scores", "education_records",
            "interactions", "entry_terms", "programs",
        )
    )  # fmt: skip
    number = numbers(people["person_id"])
    return {
        "Bewerber": pd.DataFrame(
            {
                "Bewerbernummer": number,
                "Nachname": "Muster" + number,
                "Geburtsdatum": [
                    birthday(*row) for row in zip(people["birth_year"], number, strict=True)
                ],
                "Staatsangehörigkeit": people["country_of_citizenship"].map(COUNTRIES),
                "Land": people["country_of_residence"].map(COUNTRIES),
                "Bildungsinländer": people["residency"].map(
                    {"domestic": "Inländer", "international": "Ausländer"}
                ),
                "Entfernung (km)": decimal(people["distance_km"], 1),
                "Berufserfahrung in Jahren": decimal(people["years_experience"], 1),
                "Erstkontakt": moment(people["created_at"]),
                "Kontakt erlaubt": yes_no(people["can_contact"]),
                "Widerspruch Profiling": yes_no(people["profiling_objection"]),
                "Eigener Absolvent": yes_no(people["is_own_alumnus"]),
            }
        ),
        "Bewerbungen": pd.DataFrame(
            {
                "Antragsnummer": numbers(applications["application_id"]),
                "Bewerbernummer": numbers(applications["person_id"]),
                "Semester": applications["entry_term"].map(semester),
                "Fach-Kz": applications["program_code"],
                "Begonnen am": day(applications["started_at"]),
                "Eingereicht am": day(applications["submitted_at"]),
                "Status": applications["current_stage"].map(STAGES),
                "Quelle": applications["source_channel"],
                "Stipendium": grouped(applications["scholarship_offer_amount"]),
                "Stipendium angeboten am": day(applications["scholarship_offered_at"]),
                "Englischnachweis erlassen": yes_no(applications["english_waived"]),
            }
        ),
        "Statusverlauf": pd.DataFrame(
            {
                "Antragsnummer": numbers(events["application_id"]),
                "Neuer Status": events["stage"].map(STAGES),
                "Datum": moment(events["occurred_at"]),
                "Erfasst am": day(events["recorded_at"]),
            }
        ),
        "Testergebnisse": pd.DataFrame(
            {
                "Ergebnis-ID": numbers(scores["score_id"]),
                "Bewerbernummer": numbers(scores["person_id"]),
                "Test": scores["test_code"].map(TESTS),
                "Prüfungsteil": scores["component"].map(PARTS),
                "Punkte": decimal(scores["value"], 1),
                "Prüfungsdatum": day(scores["test_date"]),
                "Eingegangen am": day(scores["received_at"]),
                "Nachweisstatus": scores["status"].map(CHECKED),
                "Skala": scores["scale_code"],
            }
        ),
        "Abschlüsse": pd.DataFrame(
            {
                "Bewerbernummer": numbers(education["person_id"]),
                "Abschlussnote": [
                    f"{german_grade(*row):.1f}".replace(".", ",")
                    for row in education[
                        ["gpa_value", "gpa_scale_max", "gpa_scale_pass", "gpa_direction"]
                    ].itertuples(index=False)
                ],
                "Land der Hochschule": education["country"].map(COUNTRIES),
                "Abschlussdatum": day(education["graduated_on"]),
                "Zeugnis eingegangen am": day(education["received_at"]),
            }
        ),
        "Kontakthistorie": pd.DataFrame(
            {
                "Kontakt-ID": numbers(interactions["interaction_id"]),
                "Bewerbernummer": numbers(interactions["person_id"]),
                "Kontaktart": interactions["interaction_type"].map(TYPES),
                "Datum": moment(interactions["occurred_at"]),
                "Teilnahme": interactions["status"].map(ATTENDANCE),
                "Bewertung": decimal(interactions["value_numeric"], 1),
                "Erfasst am": day(interactions["recorded_at"]),
            }
        ),
        "Semester": pd.DataFrame(
            {
                "Semester": terms["entry_term"].map(semester),
                "Bewerbungsbeginn": day(terms["opens_on"]),
                "Stichtag": day(terms["census_on"]),
                "Status": terms["status"].map({"closed": "abgeschlossen", "open": "laufend"}),
            }
        ),
        "Studiengänge": pd.DataFrame(
            {
                "Kürzel": programs["program_code"],
                "Bezeichnung": programs["program_name"],
                "Fakultät": programs["faculty"],
                "Studienplätze": programs["capacity"],
            }
        ),
    }


def german_grade(value: str, best: str, passing: str, direction: str) -> float:
    """Return the German grade of a foreign one, by the modified Bavarian formula."""
    share = (float(best) - float(value)) / (float(best) - float(passing))
    if direction == "low_best":
        share = (float(value) - BEST) / (float(passing) - BEST)
    return round(min(BEST + (PASS - BEST) * max(share, 0.0), WORST), 1)


def semester(term: str) -> str:
    """Return the name of a fall term: 2026FA, WS 2026/27."""
    return f"WS {term[:4]}/{int(term[2:4]) + 1}"


def numbers(keys: pd.Series) -> pd.Series:
    """Return keys as German systems number things: P0001, 10001."""
    return "1" + keys.str[1:]


def day(dates: pd.Series) -> pd.Series:
    """Return ISO dates as 31.12.2023."""
    return dates.str.replace(r"^(\d{4})-(\d\d)-(\d\d).*$", r"\3.\2.\1", regex=True)


def moment(times: pd.Series) -> pd.Series:
    """Return ISO times as 31.12.2023 10:15."""
    pattern = r"^(\d{4})-(\d\d)-(\d\d)(?: (\d\d:\d\d).*)?$"
    return times.str.replace(pattern, r"\3.\2.\1 \4", regex=True).str.strip()


def decimal(texts: pd.Series, digits: int) -> pd.Series:
    """Return numbers with a decimal comma."""
    return texts.map(lambda text: f"{float(text):.{digits}f}".replace(".", ",") if text else "")


def grouped(texts: pd.Series) -> pd.Series:
    """Return whole numbers with points between thousands."""
    return texts.map(lambda text: f"{int(text):,}".replace(",", ".") if text else "")


def yes_no(flags: pd.Series) -> pd.Series:
    """Return flags in words; blank where nothing is known."""
    return flags.map({"1": "ja", "0": "nein", "": ""})


def birthday(year: str, number: str) -> str:
    """Return a day in a year, another one for each number; blank without a year."""
    return f"{int(number) % 28 + 1:02}.{int(number) % 12 + 1:02}.{year}" if year else ""


if __name__ == "__main__":
    write_export(*map(Path, sys.argv[1:]))
