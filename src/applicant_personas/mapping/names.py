"""How alike two names are: words, abbreviations and the synonyms that systems use."""

from __future__ import annotations

import difflib
import re
from functools import cache

# Words of names by what they abbreviate, or the word that stands for them here.
_WORDS = {
    "univ": "university", "institute": "institution", "school": "institution",
    "college": "institution", "app": "application", "appl": "application", "apps": "application",
    "prog": "program", "programme": "program", "sem": "term", "semester": "term",
    "cgpa": "gpa", "ug": "undergraduate", "undergrad": "undergraduate", "exp": "experience",
    "num": "number", "nbr": "number", "no": "number", "cd": "code", "ctry": "country",
    "nation": "country", "amt": "amount", "yr": "year", "yrs": "years", "dt": "date",
    "datetime": "date", "timestamp": "date", "ts": "date", "on": "date", "at": "date",
    "guid": "id", "uuid": "id", "identifier": "id", "ref": "id", "reference": "id", "key": "id",
    "pk": "id", "fk": "id", "qty": "count", "desc": "description", "descr": "description",
    "admit": "admitted", "admission": "admitted", "admissions": "admitted",
    "deny": "denied", "deposit": "deposited", "submit": "submitted", "submission": "submitted",
    "complete": "completed", "completion": "completed", "enroll": "enrolled",
    "enrollment": "enrolled", "enrolment": "enrolled", "matriculation": "enrolled",
    "withdraw": "withdrawn", "withdrawal": "withdrawn", "start": "started",
    "creation": "created", "create": "created", "receive": "received", "receipt": "received",
    "quantitative": "quant", "cit": "citizenship", "nationality": "citizenship",
    "citizen": "citizenship", "edu": "education", "qual": "qualification",
    "dob": "birth", "birthdate": "birth", "birthday": "birth", "grade": "gpa",
    "grades": "gpa", "marks": "gpa", "max": "maximum", "org": "organization",
}  # fmt: skip
# Words that many names have say little.
_COMMON = {"id", "date", "code", "name", "number", "value", "type", "year", "text"}
_COMMON_WEIGHT = 0.3
_NOISE = {"the", "of", "a", "an", "and", "for", "to", "is", "was", "c", "r", "my", "in", "by"}

# What systems call each column of the contract, beside its own name.
SYNONYMS: dict[tuple[str, str], tuple[str, ...]] = {
    ("persons", "person_id"): (
        "id", "person id", "applicant id", "contact id", "student id", "prospect id", "user id",
        "user name", "candidate id", "customer id", "lead id", "record id", "slate id", "pidm",
        "emplid",
    ),
    ("persons", "created_at"): ("created date", "date created", "record created", "first contact"),
    ("persons", "merged_into_person_id"): ("merged into", "master record id", "survivor id"),
    ("persons", "is_deleted"): ("deleted", "is deleted", "erased"),
    ("persons", "is_test"): ("test record", "is test"),
    ("persons", "can_contact"): ("opt in", "consent", "contact consent", "may contact"),
    ("persons", "profiling_objection"): ("objection", "no profiling", "profiling opt out"),
    ("persons", "country_of_residence"): (
        "country", "residence country", "mailing country", "home country", "address country",
        "active country", "permanent country",
    ),
    ("persons", "country_of_citizenship"): (
        "citizenship", "citizenship country", "primary citizenship", "country of birth",
        "country of origin",
    ),
    ("persons", "residency"): ("residency status", "fee status", "international", "domestic"),
    ("persons", "distance_km"): ("distance", "distance to campus", "distance from campus"),
    ("persons", "years_experience"): (
        "work experience", "experience", "industry experience", "years work experience",
        "years of experience", "professional experience",
    ),
    ("persons", "birth_year"): ("year of birth",),
    ("persons", "is_own_alumnus"): ("alumnus", "alumni", "former student", "own graduate"),
    ("persons", "intended_entry_term"): ("intended term", "anticipated term", "term of interest"),
    ("persons", "intended_program_code"): ("intended program", "program of interest"),
    ("applications", "application_id"): ("id", "application id", "application number",
        "application reference"),
    ("applications", "person_id"): ("applicant", "applicant id", "contact id", "student id",
        "prospect id", "user id", "user name", "candidate id", "person reference", "emplid",
        "pidm", "contact"),
    ("applications", "entry_term"): ("term", "term code", "admit term", "application term",
        "period", "intake", "term year", "start term", "academic period", "entry", "round term"),
    ("applications", "program_code"): ("program", "program applied", "major", "course",
        "applying to", "academic program", "degree program", "plan", "university name"),
    ("applications", "started_at"): ("created date", "application started", "date created",
        "start date", "initial creation date", "application created"),
    ("applications", "submitted_at"): ("submitted date", "application date", "date submitted",
        "applied date", "application submitted", "submission date"),
    ("applications", "completed_at"): ("completed date", "complete date", "date complete",
        "application completed"),
    ("applications", "admitted_at"): ("admitted date", "decision date", "offer date",
        "application decision date", "date of offer", "release date"),
    ("applications", "denied_at"): ("denied date", "rejected date"),
    ("applications", "deposited_at"): ("deposited date", "deposit paid date", "confirmation date",
        "applicant decision date", "accepted date", "acceptance date"),
    ("applications", "enrolled_at"): ("enrolled date", "registration date", "date enrolled"),
    ("applications", "withdrawn_at"): ("withdrawn date", "cancelled date"),
    ("applications", "current_stage"): ("status", "stage", "application status", "decision",
        "admitted", "outcome", "result", "decision code", "current status", "bin",
        "admission decision", "latest decision"),
    ("applications", "source_channel"): ("source", "channel", "lead source", "origin source",
        "first source", "referral source", "how did you hear"),
    ("applications", "scholarship_offer_amount"): ("scholarship", "scholarship amount",
        "award amount", "aid offered", "funding amount"),
    ("applications", "scholarship_offered_at"): ("scholarship date", "award date",
        "scholarship offer date"),
    ("applications", "english_waived"): ("english waiver", "english waived", "language waiver",
        "toefl waived", "toefl waiver"),
    ("applications", "test_waived"): ("test waiver", "gre waiver", "gmat waiver", "gre waived",
        "gmat waived"),
    ("stage_events", "application_id"): ("application", "application reference", "parent id"),
    ("stage_events", "stage"): ("status", "decision", "new value", "new status", "bin", "event",
        "to stage", "decision code", "decision name"),
    ("stage_events", "occurred_at"): ("date", "created date", "status date", "decision date",
        "event date", "effective date", "changed date", "stage date"),
    ("stage_events", "recorded_at"): ("recorded date", "entered date", "load date"),
    ("test_scores", "score_id"): ("id", "score id", "test score id"),
    ("test_scores", "person_id"): ("applicant", "contact", "contact id", "applicant id",
        "student id", "person reference", "emplid", "pidm", "user id", "user name"),
    ("test_scores", "test_code"): ("test", "test type", "test name", "exam", "exam type"),
    ("test_scores", "component"): ("subject area", "section", "subtest", "score type", "part",
        "test component"),
    ("test_scores", "value"): ("score", "result", "test score", "score value", "points"),
    ("test_scores", "test_date"): ("date", "test taken date", "exam date", "sitting date"),
    ("test_scores", "received_at"): ("received date", "date received", "score received"),
    ("test_scores", "status"): ("verification status", "verified", "official", "score status"),
    ("test_scores", "scale_code"): ("scale", "score scale"),
    ("education_records", "education_id"): ("id", "education id", "degree id", "qualification id"),
    ("education_records", "person_id"): ("applicant", "contact", "contact id", "applicant id",
        "student id", "person reference", "emplid", "pidm", "user id", "user name"),
    ("education_records", "gpa_value"): ("gpa", "gpa reported", "overall gpa", "degree gpa",
        "final gpa", "average", "undergraduate gpa", "institution gpa"),
    ("education_records", "gpa_scale_max"): ("gpa scale", "scale", "gpa out of", "gpa maximum",
        "gpa scale reporting", "institution gpa scale"),
    ("education_records", "gpa_scale_pass"): ("pass mark", "gpa pass", "minimum pass"),
    ("education_records", "gpa_direction"): ("gpa direction", "best is"),
    ("education_records", "country"): ("institution country", "country of study"),
    ("education_records", "institution"): ("institution name", "undergraduate institution",
        "previous institution", "educational institution name", "university"),
    ("education_records", "degree_level"): ("degree", "degree earned", "level of study",
        "qualification", "institution degree"),
    ("education_records", "field"): ("field of study", "major", "department", "subject",
        "discipline", "institution major"),
    ("education_records", "graduated_on"): ("graduation date", "conferred date", "degree date",
        "end date", "institution conferred date"),
    ("education_records", "status"): ("verification status", "record status"),
    ("education_records", "received_at"): ("received date", "transcript received"),
    ("interactions", "interaction_id"): ("id", "activity id", "event id", "registration id"),
    ("interactions", "person_id"): ("contact", "contact id", "who id", "applicant id",
        "person reference", "student id", "applicant", "user id", "emplid", "pidm"),
    ("interactions", "interaction_type"): ("type", "activity type", "event type", "activity code",
        "subtype", "interaction code", "task subtype", "folder", "kind"),
    ("interactions", "occurred_at"): ("date", "activity date", "event date", "start date",
        "interaction date", "created date"),
    ("interactions", "status"): ("attendance", "attendance status", "registration status",
        "form status"),
    ("interactions", "value_numeric"): ("score", "answer number", "rating"),
    ("interactions", "value_text"): ("answer", "response", "comment text"),
    ("interactions", "minutes"): ("duration", "duration minutes", "length minutes"),
    ("interactions", "recorded_at"): ("recorded date", "entered date"),
    ("interactions", "application_id"): ("application", "application reference"),
    ("entry_terms", "entry_term"): ("id", "term", "term code", "name", "period", "term id"),
    ("entry_terms", "opens_on"): ("open date", "opening date", "application open date"),
    ("entry_terms", "census_on"): ("census", "census date", "count date"),
    ("entry_terms", "status"): ("term status", "state"),
    ("entry_terms", "term_order"): ("order", "sequence", "sort"),
    ("programs", "program_code"): ("id", "code", "program id", "plan code"),
    ("programs", "program_name"): ("name", "title", "program title", "description"),
    ("programs", "level"): ("degree level", "award level", "career"),
    ("programs", "faculty"): ("department", "division"),
    ("programs", "mode"): ("delivery mode", "delivery", "modality"),
    ("programs", "load"): ("study load", "full time part time", "attendance mode"),
    ("programs", "english_required"): ("requires english", "toefl required"),
    ("programs", "test_policy"): ("gre policy", "gmat policy", "test requirement"),
    ("programs", "capacity"): ("places", "seats", "target", "quota"),
    ("protected_attributes", "attribute"): ("characteristic", "attribute type"),
    ("protected_attributes", "value"): ("attribute value",),
}  # fmt: skip

# What systems call each table of the contract, beside its own name.
TABLE_SYNONYMS: dict[str, tuple[str, ...]] = {
    "persons": ("contact", "person", "prospect", "applicant", "student", "lead", "people"),
    "applications": ("application", "admission"),
    "stage_events": ("decision", "application history", "status history", "stage history"),
    "test_scores": ("test", "score", "test score", "exam"),
    "education_records": ("education", "education history", "degree", "institution"),
    "interactions": ("interaction", "event", "activity", "task", "form response", "attendance",
        "campaign member", "event registration"),
    "entry_terms": ("term", "period", "round", "intake"),
    "programs": ("program", "academic program", "plan", "course", "account"),
    "protected_attributes": ("protected attribute", "demographic", "attribute"),
}  # fmt: skip

# Columns whose values are never shown or kept: they name or find a person.
_PERSONAL = re.compile(
    r"^name$|\b(first|last|middle|full|given|family|maiden|preferred|chosen|former|sur|birth|person|"
    r"applicant|student|contact|user) ?name|\b(surname|email|mail|phone|mobile|fax|street|address|"
    r"city|zip|postal|postcode|birth|birthdate|dob|ssn|social|security|passport|visa number|tax|"
    r"religion|ethnicity|race|gender|sex|disability|pronoun|notes?|comments?|password|"
    r"latitude|longitude|ip)\b"
)


@cache
def words(name: str, with_small: bool = False) -> tuple[str, ...]:
    """Split a name of any system into plain words: hed__Term__c, greV, TERM_CD, Term (Code).

    `with_small` keeps words such as a, which may abbreviate something.
    """
    name = re.sub(r"^[A-Za-z][A-Za-z0-9]*__(?=.*__[A-Za-z]$)|__[A-Za-z]$", "", name)
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    found = re.findall(r"[^\W\d_]+|\d+", name.lower())
    kept = tuple(_WORDS.get(word, word) for word in found if with_small or word not in _NOISE)
    return kept or tuple(found)


@cache
def similarity(name: str, other: str) -> float:
    """Return the share of words that two names have in common, 0 to 1 (the F1 of both shares)."""
    found, meant = _covered(words(name), words(other)), _covered(words(other), words(name))
    return 2 * found * meant / (found + meant) if found and meant else 0.0


def best_name(table: str, column: str, name: str) -> tuple[float, str]:
    """Return how alike a source's name is to a contract column, and to which of its names."""
    names = (column, *SYNONYMS.get((table, column), ()))
    return max(((similarity(name, known), known) for known in names), key=lambda found: found[0])


def table_likeness(table: str, name: str) -> float:
    """Return how alike a source's table name is to a table of the contract, 0 to 1."""
    return max(similarity(name, known) for known in (table, *TABLE_SYNONYMS.get(table, ())))


def is_personal(name: str) -> bool:
    """Say whether the values of a column of this name would name or describe one person."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return bool(_PERSONAL.search(re.sub(r"[\W_]+", " ", spaced).lower()))


def _covered(names: tuple[str, ...], others: tuple[str, ...]) -> float:
    """Return the weighted share of the words that the other name has too."""
    weights = [_COMMON_WEIGHT if word in _COMMON else 1.0 for word in names]
    alike = [max((_alike(word, other) for other in others), default=0.0) for word in names]
    covered = sum(weight * share for weight, share in zip(weights, alike, strict=True))
    return covered / sum(weights) if weights else 0.0


def _alike(word: str, other: str) -> float:
    if word == other or word.rstrip("s") == other.rstrip("s"):
        return 1.0
    if min(len(word), len(other)) < 4:
        return 0.0
    ratio = difflib.SequenceMatcher(None, word, other).ratio()
    return ratio if ratio >= 0.9 else 0.0
