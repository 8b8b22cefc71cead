"""The page of the matrix in a real browser: Chromium, driven by its WebDriver. Without them the tests are skipped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from harness.matrix.report import page

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "matrix.json").read_text("utf-8"))
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
# It speaks to nobody; as root it starts without its own sandbox only.
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
CELL = "put/naive/crash_after_effect/table"
ALL = "return [...document.querySelectorAll(arguments[0])].map(each => each[arguments[1]])"
IN_VIEW = """
    const box = arguments[0].getBoundingClientRect();
    return box.bottom > 0 && box.top < window.innerHeight && box.width > 0;
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    if BROWSER is None or DRIVER is None:
        pytest.skip("chromium and chromedriver are not installed")
    folder = tmp_path_factory.mktemp("page")
    file = folder / "matrix.html"
    file.write_text(page(DOCUMENT, {}), "utf-8")
    options = ChromeOptions()
    options.binary_location = BROWSER
    for option in (*OPTIONS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(option)
    with Chrome(options, Service(DRIVER)) as driver:
        driver.get(file.as_uri())
        yield driver


def test_every_cell_leads_to_what_shows_it(browser: Chrome) -> None:
    """A link for each cell, and for each link its own witness."""
    links = browser.execute_script(ALL, "td a", "hash")
    witnesses = browser.execute_script(ALL, "section.witness", "id")
    assert sorted(links) == sorted(f"#{cell['cell']}" for cell in DOCUMENT["cells"])
    assert sorted(witnesses) == sorted(cell["cell"] for cell in DOCUMENT["cells"])


def test_a_click_opens_the_witness(browser: Chrome) -> None:
    """It comes into view, with the anomaly, its cause and the command that plays it again."""
    witness = browser.find_element(By.ID, CELL)
    assert not browser.execute_script(IN_VIEW, witness)
    browser.find_element(By.CSS_SELECTOR, f'a[href="#{CELL}"]').click()
    assert browser.execute_script(IN_VIEW, witness)
    assert "duplicated" in witness.text
    assert f"matrix --cell {CELL} --seed" in witness.text


def test_it_asks_nobody_for_anything(browser: Chrome) -> None:
    """One file: no script, no font, no picture, nothing from elsewhere."""
    assert (
        browser.execute_script("return performance.getEntriesByType('resource').length + document.scripts.length") == 0
    )
