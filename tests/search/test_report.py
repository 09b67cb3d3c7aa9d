"""The page of a search, read as HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from kpipe.report import Picture
from kpipe.search.report import SearchReport, TrialRow, draw, headline, render, report_of, verdict, write
from kpipe.search.trial import Trial
from kpipe.tuning.space import Axis, Choices, Range

RATE = Axis("train.optimizer.AdamW.learning_rate", Range(min=1e-4, max=0.1, sampling="log"), default=1e-3)
NORM = Axis("model.normalization", Choices(choices=("batch", {"type": "group"})), default="batch")
AXES = [RATE, NORM]


def trials() -> list[Trial]:
    """Twelve trials: one failed, one was refused, one stopped."""
    found = []
    for number in range(12):
        values = {RATE.path: 1e-4 * 1.7**number, NORM.path: ["batch", {"type": "group"}][number % 2]}
        more: dict[str, Any] = {"status": "done", "score": 0.9 + 0.005 * number, "seconds": 65.0 * number, "epochs": 5}
        if number == 3:
            more = {"status": "failed", "message": "nan at epoch 2"}
        elif number == 5:
            more = {"status": "refused", "message": "the feature map shrinks to nothing"}
        elif number == 7:
            more |= {"status": "stopped", "message": "below the median at epoch 4"}
        found.append(Trial(name=f"{number:02d}", values=values, **more))
    return found


def full(**changes: Any) -> SearchReport:
    found: list[Trial] = changes.pop("trials", trials())
    facts: dict[str, Any] = {
        "search": "brisk-otter-412",
        "pipeline": "cnn-gap-digits",
        "status": "finished on jax",
        "pictures": draw(found, AXES, "val_accuracy", "max"),
        "scores": {"11": [0.95, 0.96, None], "10": [0.94, 0.95, 0.96]},
        "statement": "first against second: not distinguishable",
        "logs": {trial.name: f"trials/{trial.name}/log.txt" for trial in found},
        "best": "name: the-best\n",
        "yaml": "name: cnn-gap-digits  # as written\n",
        "environment": {"keras": "3.15.1"},
    }
    return report_of(found, AXES, "val_accuracy", "max", **{**facts, **changes})


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
            "cnn-gap-digits brisk-otter-412 · finished on jax",
            "Best val_accuracy 0.9550, by trial 11 of 12; 1 failed, 1 refused, 1 stopped.",
            "best val_accuracy 0.9550 median of 9 done 0.9300 trials 12",
            "The best so far",
            "What the objective depends on",
            "The trials, value by value",
            "The objective over two hyperparameters",
            "first against second: not distinguishable",
            "11 0.9550 +/- 0.0635 0.9500 0.9600 failed",
            "11 best 0.9550 0.03427 group 5 11:55",
            "10 done 0.9500 0.02016 batch 5 10:50",
            "07 stopped",
            "05 refused",
            "the feature map shrinks to nothing",
            "03 failed",
            "nan at epoch 2 · log: trials/03/log.txt",
            "train.optimizer.AdamW.learning_rate 0.0001 to 0.1, log 0.001 0.03427",
            "name: the-best",
            "# as written",
            "keras 3.15.1",
        )
    ]
    assert places == sorted(places)
    assert "trials/05/log.txt" not in text


def test_needs_no_network() -> None:
    html = render(full())
    page = Page(html)
    assert len(page.addresses) == 4
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert not re.search(r"https?://|@import|url\(", html)


def test_names_are_text_and_never_markup() -> None:
    evil = "<script>alert(1)</script>"
    row = TrialRow(evil, evil, 0.5, None, [evil], 1, 1.0, evil, evil)
    facts = dict.fromkeys(("search", "pipeline", "status", "verdict", "objective", "statement", "best", "yaml"), evil)
    report = SearchReport(
        **facts,
        headline={evil: 1.0},
        hyperparameters={evil: evil},
        trials=[row],
        pictures=[Picture(evil, evil, b"")],
        space={evil: (evil, evil, evil)},
        environment={evil: evil},
    )
    html = render(report)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") > 20


def test_what_is_empty_is_not_shown() -> None:
    report = report_of([], [], "val_loss", "min", search="a-b-1", pipeline="iris", status="stopped")
    page = Page(render(report))
    assert not {"img", "pre", "details", "table"} & set(page.tags)
    assert page.text.endswith("No trial has ended. trials 0")


def test_without_a_finished_trial() -> None:
    failed = [trial for trial in trials() if trial.status in ("failed", "refused")]
    text = Page(render(full(trials=failed, scores={}, statement=""))).text
    assert "None of 2 trials came to a score: 1 failed, 1 refused." in text
    assert "The finalists" not in text
    assert " best " not in text.partition("The space")[0]


def test_many_trials_are_folded() -> None:
    many = [trial.model_copy(update={"name": f"{place:02d}"}) for place, trial in enumerate(trials() * 3)]
    page = Page(render(full(trials=many)))
    assert "the other 16" in page.text
    assert page.text.count("log: trials/") == 3
    assert "details" not in Page(render(full())).tags


def test_spread_is_a_column_only_of_several_executions() -> None:
    assert "spread" not in Page(render(full())).text
    several = [trial.model_copy(update={"scores": (0.9, 0.9005)}) for trial in trials() if trial.counts]
    assert "0.0004" in Page(render(full(trials=several))).text


def test_verdict_and_numbers_follow_the_direction() -> None:
    assert verdict(trials(), "val_loss", "min").startswith("Best val_loss 0.9000, by trial 00 of 12;")
    assert headline(trials(), "val_loss", "min")["best val_loss"] == 0.9
    assert verdict(trials()[:3], "val_loss", "max") == "Best val_loss 0.9100, by trial 02 of 3."
