"""The site: built without a warning, whole, and read without asking another host."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from kpipe.listing import PACKAGES
from kpipe.pipeline import Pipeline
from kpipe.spec.one_of import components

ROOT = Path(__file__).parents[1]
PAGE_OF = {
    "data": "data", "tokenization": "data", "training": "train", "schedules": "train", "decoding": "decode",
    "metrics": "evaluate", "plots": "evaluate", "tuning": "tune",
}  # fmt: skip
LOADED = re.compile(r"<(?:script|img|iframe|source|embed|object|link)\b[^>]*?\b(?:src|href|data)=[\"']?([^\"' >]+)")
ELSEWHERE = re.compile(r"(?:[a-z]+:)?//", re.IGNORECASE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def words_of(page: Path) -> str:
    """What a reader sees, in one line."""
    text = re.sub(r"<script.*?</script>|<[^>]+>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(html.unescape(text).split())


def documented() -> Iterator[tuple[str, type[BaseModel]]]:
    """Every component, with the page that it stands on."""
    for name, package in PACKAGES.items():
        for kind, component in components(package).items():
            yield f"models/{kind}.html" if name == "models" else f"reference/{PAGE_OF[name]}.html", component
    yield "reference/pipeline.html", Pipeline


def test_every_field_is_on_its_page(site: Path) -> None:
    pages = {page: words_of(site / page) for page, _ in documented()}
    for page, component in documented():
        for name, field in component.model_fields.items():
            if name != "type":
                described = " ".join((field.description or "").replace("`", "").split())
                assert described in pages[page], f"{component.__name__}.{name} is not on {page}"
                assert name in pages[page]
        first = (component.__doc__ or "").strip().split("\n")[0].replace("`", "")
        assert " ".join(first.split()) in pages[page]


def test_ranges_and_defaults_are_told(site: Path) -> None:
    words = words_of(site / "models" / "cnn.html")
    assert "dropout a number in [0, 1); default 0.0" in words
    assert "head global_average_pooling, flatten; default global_average_pooling" in words
    assert "kernel_size a whole number in [1, 1024] or a list of whole numbers in [1, 1024]; default 3" in words


def test_markdown_is_nowhere_left(site: Path) -> None:
    for page in (*site.glob("reference/*.html"), *site.glob("models/*.html")):
        text = page.read_text(encoding="utf-8")
        assert "<em>" not in text, f"{page.name}: a sign was taken for emphasis"
        assert "<!-- the fields" not in text
        assert not re.search(r"\*\*\w+\*\*|{ ?#|``|\\begin", words_of(page)), page.name


def test_no_page_asks_another_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 25
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert text.index("Content-Security-Policy") < text.index("<link"), f"{page.name} is not held back"
        assert not [link for link in LOADED.findall(text) if ELSEWHERE.match(link)], page.name
    for style in site.rglob("*.css"):
        addresses = re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')]+)", style.read_text(encoding="utf-8"))
        assert not [address for address in addresses if ELSEWHERE.match(address)], style.name


def test_formulas_are_drawn_without_a_script(site: Path) -> None:
    for page in site.glob("models/*.html"):
        assert "<math " in page.read_text(encoding="utf-8"), page.name
