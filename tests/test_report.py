"""The report page, read as HTML."""

from __future__ import annotations

import base64
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from kpipe.report import LayerRow, Picture, Report, class_table, number, render, write

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def full(**changes: Any) -> Report:
    values: dict[str, Any] = {
        "run": "brisk-otter-412",
        "pipeline": "cnn-gap-digits",
        "status": "finished on jax, cpu",
        "verdict": "355 of 360 test examples read right.",
        "headline": {"accuracy": 0.98611, "loss": 0.0502, "macro_f1": 0.9859, "roc_auc": 1.0},
        "metrics": {"accuracy": 0.98611, "f1/7": 0.91234, "recall/7": 1.0, "f1/8": 0.5},
        "pictures": [
            Picture(name, name.upper(), PNG)
            for name in ("calibration", "confusion_matrix", "learning_curves", "mistakes")
        ],
        "yaml": "name: cnn-gap-digits  # as written\n",
        "resolved": "name: cnn-gap-digits\nseed: 0\n",
        "layers": [LayerRow("conv", "(8, 8, 32)", "(8 + 2*1 - 3) / 1 + 1 = 8", 320), LayerRow("pool", "(4,)", "", 0)],
        "mistakes": [("17", "8", "1", "97 %")],
        "history": [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0, "val_loss": 1.5}],
        "environment": {"keras": "3.15.1"},
        "data": {"origin": "sklearn digits", "fingerprint": "3f" * 32},
        "left_out": {"f1/9": "no test example is 9"},
        "skipped": ["a.png: not an image"],
    }
    return Report(**{**values, **changes})


class Page(HTMLParser):
    """The text, the tags and the addresses of a page; fails on tags that are not closed in order."""

    VOID = ("meta", "img", "br", "link", "input")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)


def test_shows_everything_in_order(tmp_path: Path) -> None:
    write(tmp_path / "report.html", full())
    text = Page((tmp_path / "report.html").read_text(encoding="utf-8")).text
    places = [
        text.index(words)
        for words in (
            "cnn-gap-digits brisk-otter-412",
            "355 of 360 test examples read right.",
            "accuracy 0.9861 loss 0.0502 macro f1 0.9859",
            "LEARNING_CURVES",
            "CONFUSION_MATRIX",
            "MISTAKES",
            "f1 recall 7 0.9123 1.0000 8 0.5000 –",
            "CALIBRATION",
            "conv (8, 8, 32) 320 (8 + 2*1 - 3) / 1 + 1 = 8",
            "total 320",
            "# as written",
            "seed: 0",
            "fingerprint 3f3f",
            "keras 3.15.1",
        )
    ]
    assert places == sorted(places)
    assert "f1/9 no test example is 9" in text
    assert "a.png: not an image" in text
    assert "1 2.0000 2 1.0000 1.5000" in text


def test_needs_no_network() -> None:
    html = render(full())
    page = Page(html)
    assert len(page.addresses) == 4
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert base64.b64decode(page.addresses[0].split(",")[1]) == PNG
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert not re.search(r"https?://|@import|url\(", html)


def test_names_are_text_and_never_markup() -> None:
    evil = "<script>alert(1)</script>"
    html = render(full(verdict=evil, yaml=evil, metrics={f"f1/{evil}": 1.0}, skipped=[evil], environment={evil: evil}))
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 6


def test_what_is_empty_is_not_shown() -> None:
    html = render(Report("a-b-1", "iris", "finished", "Well.", {}, {}))
    page = Page(html)
    assert not {"img", "pre", "details"} & set(page.tags)
    assert page.text.endswith("Well.")


def test_mistakes_are_a_table_where_there_is_no_picture_of_them() -> None:
    assert "17 8 1 97 %" not in Page(render(full())).text
    assert "example is read as sure 17 8 1 97 %" in Page(render(full(pictures=[]))).text


def test_many_classes_are_folded() -> None:
    assert "30 rows" in Page(render(full(metrics={f"f1/{i}": 0.5 for i in range(30)}))).text


def test_classes_make_rows_and_metrics_columns() -> None:
    table = class_table({"accuracy": 1.0, "f1/a": 0.1, "recall/b": 0.2})
    assert table["a"]["f1"] == 0.1
    assert math.isnan(table["a"]["recall"])
    assert list(table["b"]) == ["f1", "recall"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.98611, "0.9861"),
        (1.0, "1.0000"),
        (0.0, "0.0000"),
        (24.428, "24.43"),
        (12345.6, "12,345.60"),
        (1257.0, "1,257"),
        (3, "3"),
        (1e-5, "1.00e-05"),
        (-0.5, "-0.5000"),
        (math.nan, "–"),
        (math.inf, "inf"),
    ],
)
def test_numbers_are_rounded_for_people(value: float, shown: str) -> None:
    assert number(value) == shown
