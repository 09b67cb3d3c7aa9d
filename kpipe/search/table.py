"""Table: the trials of a search in the terminal, live; a line for each trial where there is no terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from kpipe.search.frame import best_first
from kpipe.search.plots.scale import key, labels
from kpipe.search.record import words
from kpipe.search.trial import Trial
from kpipe.tuning.search import Search
from kpipe.tuning.space import Choices, short_names

REFRESH_SECONDS = 0.2
LONGEST = 24
"""Letters of a value that are shown."""
MOST_MESSAGE = 60


class TrialTable:
    """An Onlooker that draws. The best come first, then those that run; drawing is bounded in time."""

    def __init__(self, search: Search, console: Console, workers: int = 1) -> None:
        self.search, self.console, self.workers = search, console, workers
        self.names = short_names(search.space)
        self.labels = {
            path: dict(zip(map(key, dimension.choices), labels(dimension.choices), strict=True))
            for path, dimension in search.space.items()
            if isinstance(dimension, Choices)
        }
        self.trials: dict[str, Trial] = {}
        self.running: dict[str, tuple[float, int, float | None]] = {}
        """when each began, how many epochs it has, and what the last said"""
        self.best: Trial | None = None
        self.live: Live | None = None
        self.next_draw = 0.0
        self.began = time.monotonic()
        self.new = 0
        """trials that ended since it began"""

    def __enter__(self) -> TrialTable:
        if self.console.is_terminal:
            self.live = Live(console=self.console, auto_refresh=False, transient=True)
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live is not None:
            self.live.stop()
            self.live = None
            if kind is not None:  # what has ended stays on the screen
                self.console.print(self.table(max(5, self.console.height - 6)), self.foot())

    def on_restore(self, trials: Sequence[Trial], best: Trial | None) -> None:
        self.trials |= {trial.name: trial for trial in trials}
        self.best = best

    def on_begin(self, trial: Trial) -> None:
        self.trials[trial.name] = trial
        self.running[trial.name] = (time.monotonic(), 0, None)

    def on_epoch(self, trial: Trial, epoch: int, value: float | None) -> None:
        began, _, before = self.running.get(trial.name, (time.monotonic(), 0, None))
        self.running[trial.name] = (began, epoch, before if value is None else value)

    def on_end(self, trial: Trial, best: Trial | None) -> None:
        self.trials[trial.name], self.best = trial, best
        if self.running.pop(trial.name, None) is not None:
            self.new += 1
        if self.live is None:
            self.console.print(self.line(trial), soft_wrap=True)

    def on_wait(self) -> None:
        now = time.monotonic()
        if self.live is not None and now >= self.next_draw:
            self.next_draw = now + REFRESH_SECONDS
            self.live.update(Group(self.table(max(5, self.console.height - 6)), self.foot()), refresh=True)

    def line(self, trial: Trial) -> str:
        """``07  done  val_accuracy 0.9917  dropout 0.21  11 s``."""
        score = f"{self.search.objective} {with_spread(trial)}" if trial.score is not None else ""
        values = "  ".join(f"{self.names[path]} {self.shown(path, value)}" for path, value in trial.values.items())
        mark = "best so far" if self.best is not None and self.best.name == trial.name else trial.status
        parts = [trial.name, mark, score, values, f"{trial.seconds:.0f} s", cut(trial.message, MOST_MESSAGE)]
        return "  ".join(part for part in parts if part)

    def table(self, rows: int) -> Table:
        """The best trials, those that run, and the last that came to nothing; the columns that find room."""
        ended = [trial for trial in self.trials.values() if trial.name not in self.running]
        asked = [trial for trial in ended if trial.is_asked]
        ordered = [*best_first(asked, self.search.best), *(trial for trial in ended if not trial.is_asked)]
        running = [self.trials[name] for name in self.running]
        room = max(1, rows - len(running))
        shown = [self.row(trial) for trial in [*ordered[:room], *running]]
        left_out = len(ordered) - room
        if left_out > 0:
            shown.append({"status": f"and {left_out} more"})
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        columns = self.columns(shown)
        for name in columns:
            right = name in ("#", "epochs", "time", self.search.objective)
            table.add_column(self.names.get(name, name), justify="right" if right else "left", no_wrap=True)
        for row in shown:
            style = "bold" if row["status"] == "best" else "dim" if "#" not in row else ""
            table.add_row(*(row.get(name, "") for name in columns), style=style)
        return table

    def columns(self, rows: Sequence[Mapping[str, str]]) -> list[str]:
        """Those that fit: of the hyperparameters as many as find room, in their order."""
        first, last = ["#", "status", self.search.objective], ["epochs", "time"]
        width = {
            name: 2 + max([len(self.names.get(name, name)), *(len(row.get(name, "")) for row in rows)])
            for name in [*first, *self.search.space, *last]
        }
        room = self.console.width - sum(width[name] for name in [*first, *last])
        chosen = list(first)
        for path in self.search.space:
            room -= width[path]
            if room >= 0:
                chosen.append(path)
        return [*chosen, *last]

    def row(self, trial: Trial) -> dict[str, str]:
        """What is shown of a trial, by column."""
        values = {path: self.shown(path, value) for path, value in trial.values.items()}
        if trial.name in self.running:
            began, epoch, value = self.running[trial.name]
            status, score, seconds = "running", number(value), time.monotonic() - began
        else:
            is_best = self.best is not None and self.best.name == trial.name
            status, score = "best" if is_best else trial.status, with_spread(trial)
            seconds, epoch = trial.seconds, trial.epochs
        own = {"#": trial.name, "status": status, self.search.objective: score}
        return {**own, **values, "epochs": str(epoch or ""), "time": f"{seconds:.0f} s"}

    def shown(self, path: str, value: object) -> str:
        """A value in a few letters; of choices so that no two look alike."""
        return self.labels.get(path, {}).get(key(value)) or cut(words(value), LONGEST)

    def foot(self) -> Text:
        """``13 of 20   best 0.9917   about 1:10 left``, and why the last one came to nothing."""
        asked = [trial for trial in self.trials.values() if trial.is_asked]
        ended = [trial for trial in asked if trial.name not in self.running]
        most = self.search.max_trials
        words_ = [f"{len(ended)} of {most}" if most else f"{len(ended)} trials"]
        if self.best is not None:
            words_.append(f"best {number(self.best.score)}")
        finals = [trial for trial in self.trials.values() if not trial.is_asked]
        if finals:
            seeds = sum(trial.name not in self.running for trial in finals)
            words_.append(f"finalists: {seeds} trainings done")
        elif most and self.new:
            seconds = (time.monotonic() - self.began) / self.new * max(0, most - len(ended))
            words_.append(f"about {int(seconds) // 60}:{int(seconds) % 60:02d} left")
        wrong = [trial for trial in ended if trial.status in ("failed", "refused")]
        said = f"\n{wrong[-1].name} {wrong[-1].status}: {cut(wrong[-1].message, 100)}" if wrong else ""
        return Text("   ".join(words_) + said)


def print_trials(best: Trial | None, trials: Sequence[Trial], search: Search, console: Console) -> None:
    """All trials, best first, once the search has ended; and why some came to nothing."""
    table = TrialTable(search, console)
    table.trials, table.best = {trial.name: trial for trial in trials}, best
    console.print(table.table(len(trials) + 1))
    for trial in trials:
        if trial.status in ("failed", "refused"):
            console.print(f"{trial.name} {trial.status}: {trial.message}", soft_wrap=True)


def with_spread(trial: Trial) -> str:
    """``0.9833``, of several executions ``0.9833 ±0.0021``."""
    return number(trial.score) + (f" ±{number(trial.spread)}" if trial.spread is not None else "")


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}" if abs(value) >= 1e-3 or value == 0 else f"{value:.3g}"


def cut(text: str, longest: int) -> str:
    text = text.replace("\n", " ")
    return text if len(text) <= longest else text[: longest - 3] + "..."
