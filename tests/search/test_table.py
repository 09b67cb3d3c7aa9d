"""What a search prints in a terminal, and where there is none."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from rich.console import Console

from kpipe.pipeline import Pipeline
from kpipe.search.story import searched
from kpipe.search.table import TrialTable, print_trials
from kpipe.search.trial import Trial

RATE, DROPOUT = "train.optimizer.AdamW.learning_rate", "model.dropout"


def trial(name: str, score: float | None, **changes: object) -> Trial:
    values = {RATE: 0.00213, DROPOUT: 0.2}
    return Trial(name=name, values=values, score=score, seconds=11.4, epochs=2).but(**changes)


@pytest.fixture
def shown(small: Callable[..., Pipeline]) -> Callable[..., tuple[TrialTable, io.StringIO]]:
    def table(terminal: bool, width: int = 110) -> tuple[TrialTable, io.StringIO]:
        said = io.StringIO()
        console = Console(file=said, width=width, height=20, force_terminal=terminal, no_color=True)
        return TrialTable(searched(small(max_trials=20)), console), said

    return table


def test_a_line_for_each_trial_where_there_is_no_terminal(shown: Callable[..., tuple[TrialTable, io.StringIO]]) -> None:
    table, said = shown(terminal=False)
    best = trial("07", 0.9889, status="done", scores=(0.98, 0.9978))
    failed = trial("08", None, status="failed", message="loss became nan in epoch 2\nat learning rate 0.0094")
    with table:
        table.on_begin(best)
        table.on_end(best, best)
        table.on_end(failed, best)
    lines = said.getvalue().splitlines()
    assert lines[0] == "07  best so far  val_accuracy 0.9889 ±0.0126  learning_rate 0.00213  dropout 0.2  11 s"
    assert lines[1].startswith("08  failed  learning_rate 0.00213  dropout 0.2  11 s  loss became nan in epoch 2 at")


@pytest.mark.parametrize("width", [110, 50])
def test_the_best_come_first_and_the_running_last(
    width: int, shown: Callable[..., tuple[TrialTable, io.StringIO]]
) -> None:
    table, said = shown(terminal=True, width=width)
    good, better = trial("00", 0.9, status="done"), trial("01", 0.95, status="done")
    with table:
        table.on_wait()
        table.on_restore([good], good)
        table.on_begin(better)
        table.on_end(better, better)
        table.on_begin(trial("02", None))
        table.on_epoch(trial("02", None), 1, 0.5)
        table.next_draw = 0.0
        table.on_wait()
    drawn = re.sub("\x1b\\[[0-9;?]*[A-Za-z]|\r", "", said.getvalue())
    rows = [line.split()[:2] for line in drawn.splitlines()]
    first = rows.index(["01", "best"])
    assert rows[first : first + 4] == [["01", "best"], ["00", "done"], ["02", "running"], ["2", "of"]]
    assert "2 of 20   best 0.9500   about" in drawn


def test_the_end_shows_all_and_why_some_came_to_nothing(small: Callable[..., Pipeline]) -> None:
    said = io.StringIO()
    trials = [trial(f"{number:02d}", number / 100, status="done") for number in range(30)]
    refused = trial("30", None, status="refused", message="the pooling shrinks the height to nothing")
    print_trials(trials[29], [*trials, refused], searched(small()), Console(file=said, width=100))
    lines = said.getvalue().splitlines()
    assert lines[1].split()[:3] == ["29", "best", "0.2900"]
    assert len([line for line in lines if " done " in line]) == 29
    assert lines[-1] == "30 refused: the pooling shrinks the height to nothing"
