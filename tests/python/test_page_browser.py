"""The page in a browser, from the file system and without a network: Debian's Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import warehouse
from axe_playwright_python.sync_playwright import Axe
from page_figures import Shown, read_figures, wrong_figures
from playwright.sync_api import Browser, Page, expect, sync_playwright

from applicant_personas.command_line.cli import main

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = os.environ.get("PERSONAS_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None,
    reason="no Chromium is installed: apt-get install chromium, or name one in PERSONAS_CHROMIUM",
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return warehouse.served_copy(warehouse.built_sample(tmp_path_factory.mktemp("sample")))


@pytest.fixture(scope="module")
def file(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("page") / "personas.html"
    assert main(["page", "--serve", str(copy), "--output", str(output)]) == 0
    return output


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Root, as in a container, has no sandbox.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser, file: Path) -> Iterator[Page]:
    context = browser.new_context(offline=True, reduced_motion="reduce")
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda said: troubles.append(said.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("requestfailed", lambda request: troubles.append(request.url))
    page.goto(file.as_uri())
    yield page
    context.close()
    assert not troubles


def open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")


def test_every_figure_that_the_browser_has_is_the_marts(
    opened: Page, file: Path, copy: Path
) -> None:
    held = opened.evaluate(
        "[...document.querySelectorAll('[data-mart]')].map((e) => ["
        "e.dataset.mart, e.dataset.key, e.dataset.column, e.dataset.value,"
        " e.matches('data, tspan') ? e.textContent : ''])"
    )
    figures = [Shown(*figure) for figure in held]
    assert len(figures) == len(read_figures(file.read_text("utf-8"))) > 500
    assert not wrong_figures(figures, copy)


def test_a_click_follows_a_persona_and_another_lets_go(opened: Page) -> None:
    chip = opened.locator(".follow button").nth(2)
    key = chip.get_attribute("data-follow")
    funnel = opened.locator("#funnel [data-for]:visible")
    expect(funnel).to_have_attribute("data-for", "all")
    chip.click()
    expect(chip).to_have_attribute("aria-pressed", "true")
    expect(funnel).to_have_count(1)
    expect(funnel).to_have_attribute("data-for", str(key))
    expect(opened.locator(".card.is-followed")).to_have_attribute("data-persona", str(key))
    assert opened.locator("#class .is-followed").count() == 1
    expect(opened.locator("#said")).to_have_text(f"Showing {chip.inner_text()}")
    assert opened.url.endswith(f"#{key}")
    chip.click()
    expect(funnel).to_have_attribute("data-for", "all")
    # A row of a chart, and the name on a card, are clicked alike.
    row = opened.locator("#class [data-persona]").nth(1)
    row.locator("text").first.click()
    expect(opened.locator("body")).to_have_attribute(
        "data-follow", str(row.get_attribute("data-persona"))
    )
    name = opened.locator(".card button").first
    name.click()
    expect(opened.locator("body")).to_have_attribute(
        "data-follow", str(name.get_attribute("data-follow"))
    )


def test_the_keyboard_follows_too(opened: Page) -> None:
    body, chips = opened.locator("body"), opened.locator(".follow button")
    opened.keyboard.press("2")
    expect(body).to_have_attribute("data-follow", str(chips.nth(2).get_attribute("data-follow")))
    opened.keyboard.press("Escape")
    expect(body).to_have_attribute("data-follow", "all")
    chips.first.focus()
    opened.keyboard.press("ArrowRight")
    expect(chips.nth(1)).to_be_focused()
    expect(body).to_have_attribute("data-follow", str(chips.nth(1).get_attribute("data-follow")))
    opened.locator(".trust > summary").focus()
    opened.keyboard.press("Enter")
    expect(opened.locator("#backtest")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("is_following", [False, True])
def test_axe_finds_no_serious_fault(opened: Page, scheme: str, is_following: bool) -> None:
    opened.emulate_media(color_scheme=scheme)
    open_all(opened)
    if is_following:
        opened.keyboard.press("1")
    found = Axe().run(opened).response["violations"]
    serious = [
        (fault["id"], [node["html"][:200] for node in fault["nodes"][:3]])
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]
    assert not serious


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_window(opened: Page, width: int) -> None:
    opened.set_viewport_size({"width": width, "height": 900})
    open_all(opened)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
