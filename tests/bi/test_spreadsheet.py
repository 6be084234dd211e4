"""A real spreadsheet (LibreOffice Calc) opens what is exported and finds no formula in it."""

import csv
import shutil
import subprocess

import pytest

from applicant_personas.command_line.spreadsheet import csv_text

HOSTILE = [
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", '=HYPERLINK("http://x","y")', "  =1+1", '"=1+1"', "\t=1+1",
    "a;=1+1", "a,=1+1", "\uff1d1+1", "=cmd|' /C calc'!A0", "\ufeff=1+1", "x\n=1+1", '=DDE("a";"b")',
]  # fmt: skip
NUMBER = -0.25


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Open a file with a sign between its columns; gives how many formulas and numbers it holds."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice Calc is not installed")
    folder = tmp_path_factory.mktemp("spreadsheet")

    def counts(file, sign):
        # Separator, text mark, UTF-8, from line 1; numbers and formulas are read as such.
        options = f"CSV:{ord(sign)},34,76,1,,0,false,true,false,false,false,-1"
        out = folder / f"{file.stem}_{ord(sign)}"
        subprocess.run(
            [office, f"-env:UserInstallation=file://{folder}/profile", "--headless",
             "--convert-to", "fods", f"--infilter={options}", "--outdir", str(out), str(file)],
            check=True, capture_output=True,
        )  # fmt: skip
        (sheet,) = out.glob("*.fods")
        text = sheet.read_text("utf-8")
        return text.count("table:formula="), text.count('office:value-type="float"')

    return counts


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_no_cell_runs(opened, tmp_path, sign):
    rows = [[text, NUMBER] for text in HOSTILE]
    safe = tmp_path / "safe.csv"
    safe.write_text(csv_text(["text", "number"], rows), encoding="utf-8", newline="")
    unsafe = tmp_path / "unsafe.csv"
    with unsafe.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows(rows)
    # The check can fail: what is written without care runs.
    assert opened(unsafe, sign)[0] > 0
    formulas, numbers = opened(safe, sign)
    assert formulas == 0
    if sign == ",":
        assert numbers >= len(rows)
