"""MLflow's pages as a person sees them: one small file on the three backends, and a search, in a real browser.

KPIPE_UPDATE_SCREENSHOTS=1 writes the pictures of docs/mlflow.md.
"""

from __future__ import annotations

import io
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kpipe.tracking import ui

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ("no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
         "disable-component-update", "disable-sync")  # fmt: skip
SECONDS = 60
LARGEST = 150_000
KPIPE = [sys.executable, "-c", "from kpipe.cli import main; main()"]
BACKENDS = ("tensorflow", "jax", "torch")
RUN = """
name: digits
data: {type: sklearn, dataset: digits, batch_size: 64}
model: {type: cnn, filters: [16, 32], pooling: [max, max]}
train: {type: fit, epochs: 5, optimizer: {AdamW: {learning_rate: 1.0e-2}}}
evaluate: {plots: [learning_curves, confusion_matrix]}
"""
SEARCH = """
name: search-iris
data: {type: sklearn, dataset: iris, batch_size: 16}
model: {type: mlp, units: [8]}
train: {type: fit, epochs: 8, optimizer: {Adam: {learning_rate: 3.0e-2}}}
tune:
  type: grid
  objective: val_loss
  space:
    model.units: {choices: [[8], [32]]}
    train.optimizer.Adam.learning_rate: {choices: [1.0e-3, 3.0e-2]}
"""
pytestmark = pytest.mark.slow


@dataclass
class Store:
    """What was trained: the names of the runs by backend, of the search, and where ``kpipe ui`` shows them."""

    runs: dict[str, str]
    search: str
    addresses: dict[str, str]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": "", "COLUMNS": "200"}


def trained(folder: Path, *words: str) -> str:
    """The name of the run that a command made."""
    done = subprocess.run([*KPIPE, *words], cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"  (?:run|search) (\S+)", done.stdout)
    assert found, done.stdout
    return found[1]


def free_port() -> int:
    with socket.socket() as found:
        found.bind((ui.HOST, 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def store(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with the runs, and ``kpipe ui`` on it."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "digits.yaml").write_text(RUN, encoding="utf-8")
    (folder / "search.yaml").write_text(SEARCH, encoding="utf-8")
    commands = [("run", "digits.yaml", "--backend", backend) for backend in BACKENDS]
    with ThreadPoolExecutor(2) as pool:
        *runs, search = pool.map(lambda words: trained(folder, *words), [*commands, ("tune", "search.yaml")])
    server = subprocess.Popen(
        [*KPIPE, "ui", "--port", str(free_port())], cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        lines = [server.stdout.readline().split() for _ in range(3)]
        yield Store(dict(zip(BACKENDS, runs, strict=True)), search, dict(lines[1:]))
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: make test installs it")
    if not CHROMIUM.exists() and not os.environ.get("KPIPE_BROWSER_REQUIRED"):
        pytest.skip(f"no {CHROMIUM}: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=str(CHROMIUM), args=[f"--{flag}" for flag in FLAGS])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page that has seen nothing yet, and may ask this machine alone."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(SECONDS * 1000)
    elsewhere: list[str] = []
    context.on("request", lambda asked: None if f"//{ui.HOST}:" in asked.url else elsewhere.append(asked.url))
    yield context.new_page()
    context.close()
    assert [url for url in elsewhere if url.startswith("http")] == []


@pytest.fixture
def expect() -> Any:
    from playwright.sync_api import expect

    expect.set_options(timeout=SECONDS * 1000)
    return expect


def open_table(page: Any, store: Store, name: str, count: int, mode: str = "") -> None:
    page.goto(store.addresses[name] + mode)
    page.get_by_text(f"{count} matching runs").wait_for()
    page.get_by_role("button", name="Close").first.click()  # MLflow's assistant, which would hide half of the page


def keep(page: Any, name: str) -> None:
    """The page as it is, for the docs, where this is wanted."""
    if not os.environ.get("KPIPE_UPDATE_SCREENSHOTS"):
        return
    from PIL import Image

    page.mouse.move(640, 20)
    with Image.open(
        io.BytesIO(page.screenshot(animations="disabled", mask=[page.get_by_text("Path: file:")], mask_color="white"))
    ) as picture:
        picture.convert("RGB").quantize(256).save(IMAGES / f"mlflow_{name}.png", optimize=True)


def lines(page: Any, metric: str) -> Any:
    """The curves in the chart of a metric."""
    heading = page.get_by_text(metric, exact=True)
    card = page.locator("[data-testid='experiment-view-compare-runs-card']").filter(has=heading)
    return card.locator(".scatterlayer path.js-line")


def test_the_table_of_three_backends(page: Any, store: Store, expect: Any) -> None:
    open_table(page, store, "digits", 3)
    expect(page.get_by_test_id("saved-views-trigger")).to_have_text("Results")
    for name in ("Run Name", "Created", "Duration", "test/accuracy", "test/macro_f1", "backend"):
        expect(page.get_by_role("columnheader", name=name).last).to_be_visible()
    for backend, run in store.runs.items():
        expect(page.get_by_role("link", name=run)).to_be_visible()
        expect(page.get_by_role("gridcell", name=backend)).to_be_visible()
    keep(page, "table")


def test_the_curves_of_three_backends_overlay(page: Any, store: Store, expect: Any) -> None:
    open_table(page, store, "digits", 3, mode="&compareRunsMode=CHART")
    for metric in ("val/accuracy", "val/loss"):
        expect(lines(page, metric)).to_have_count(2 * 3)  # MLflow draws each twice
    keep(page, "curves")


def test_comparing_three_backends(page: Any, store: Store, expect: Any) -> None:
    open_table(page, store, "digits", 3)
    page.get_by_role("columnheader").get_by_role("checkbox").first.check(force=True)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("Comparing 3 Runs from 1 Experiment").first).to_be_visible()
    for run in store.runs.values():
        expect(page.get_by_text(run).first).to_be_visible()
    expect(page.get_by_text("model.filters").first).to_be_visible()
    page.get_by_role("switch", name="Parameters - Show diff only").click()
    expect(page.get_by_text("model.filters")).to_have_count(0)
    keep(page, "compare")
    page.get_by_text("report.html").dispatch_event("click")  # MLflow's own signs lie over it
    expect(page.locator("iframe")).to_have_count(3)
    for number in range(3):
        report = page.frame_locator("iframe").nth(number)
        expect(report.get_by_text("test examples read right")).to_be_visible()


def test_a_run(page: Any, store: Store, expect: Any) -> None:
    open_table(page, store, "digits", 3)
    page.get_by_role("link", name=store.runs["jax"]).click()
    expect(page.get_by_text(re.compile(r"accuracy 0\.\d{4}, macro_f1 .* test examples read right"))).to_be_visible()
    expect(page.get_by_text("sklearn digits train").first).to_be_visible()
    keep(page, "run")
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_text("report.html").click()
    report = page.frame_locator("iframe").first
    expect(report.get_by_role("heading", name="digits")).to_be_visible()
    assert report.get_by_role("img").first.evaluate("picture => picture.naturalWidth") > 100
    keep(page, "artifacts")


def test_a_search(page: Any, store: Store, expect: Any) -> None:
    open_table(page, store, "search-iris", 5)
    page.get_by_role("row").filter(has_text=store.search).get_by_role("button").first.click()
    for number in range(4):
        expect(page.get_by_role("link", name=f"0{number} of {store.search}")).to_be_visible()
    for name in ("objective", "learning_rate", "units", "status"):
        expect(page.get_by_role("columnheader", name=name).last).to_be_visible()
    keep(page, "search")


def test_the_pictures_of_the_docs_are_there_and_small() -> None:
    text = (ROOT / "docs" / "mlflow.md").read_text(encoding="utf-8")
    shown = re.findall(r"images/(mlflow_\w+\.png)", text)
    assert sorted(shown) == sorted(picture.name for picture in IMAGES.glob("mlflow_*.png"))
    assert len(shown) >= 5
    for name in shown:
        assert (IMAGES / name).stat().st_size < LARGEST, name
