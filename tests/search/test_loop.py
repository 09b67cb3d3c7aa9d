"""The loop with workers that say what the test wants: deaths, silence, hopeless trials, repetitions, finalists."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from kpipe import runs
from kpipe.errors import WrongInput
from kpipe.pipeline import Pipeline, axes, with_values
from kpipe.search import story
from kpipe.search.carry_out import Task
from kpipe.search.ledger import Ledger
from kpipe.search.loop import DEATHS, SILENT_MINUTES, Loop
from kpipe.search.state import Settings, State, content_of
from kpipe.search.worker import Event
from kpipe.tracking.journal import Journal
from kpipe.tuning.space import short_names

Script = Callable[[Task, int], Sequence[Event]]
"""What a worker says of a task that it is given for the n-th time."""


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Actor:
    """A place that says its lines, one each time it is asked; the clock goes on by a second each time."""

    def __init__(self, script: Script, clock: Clock) -> None:
        self.script, self.clock = script, clock
        self.lines: list[Event] = []
        self.given: dict[str, int] = {}
        self.tasks: list[Task] = []
        self.stopped = False
        self.kills = 0

    def begin(self, task: Task) -> None:
        self.given[task.name] = self.given.get(task.name, 0) + 1
        self.tasks.append(task)
        self.stopped = False
        self.lines = list(self.script(task, self.given[task.name]))

    def events(self) -> list[Event]:
        self.clock.now += 1.0
        if self.stopped:
            self.stopped, self.lines = False, [measured(0.1), {"event": "stopped"}]
        return [self.lines.pop(0)] if self.lines else []

    def stop(self) -> None:
        self.stopped = True

    def kill(self) -> None:
        self.kills += 1
        self.lines = []


def epoch(number: int, value: float) -> Event:
    row = {"stage": "fit", "epoch": number, "step": number * 5, "seconds": 1.0, "examples_per_second": 1.0}
    logs = {"loss": 1.0, "accuracy": value, "val_loss": 1.0 - value, "val_accuracy": value}
    return {"event": "epoch", "execution": 0, "row": {**row, "learning_rate": 0.1, "logs": logs}}


def measured(score: float, execution: int = 0) -> Event:
    return {"event": "executed", "execution": execution, "metrics": {"accuracy": score, "loss": 1.0}}


def succeeds(score: float, epochs: int = 2) -> list[Event]:
    return [*(epoch(number, score) for number in range(1, epochs + 1)), measured(score), {"event": "done"}]


@pytest.fixture
def carried_out(
    tmp_path: Path, small: Callable[..., Pipeline], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Loop, list[Actor]]]:
    """A search over learning rates with these workers; ``again`` goes on with the one before."""
    monkeypatch.setattr("kpipe.search.loop.POLL_SECONDS", 0.0)
    made: list[State] = []

    def carry_out(script: Script, workers: int = 1, again: bool = False, **settings: Any) -> tuple[Loop, list[Actor]]:
        pipeline = small(**settings)
        search = story.searched(pipeline)
        if not again:
            run = runs.create(tmp_path / "mlruns", "made up", "made up", "search")
            made.append(State(run))
        state, clock = made[-1], Clock()
        state.begin(pipeline, "", Settings(content=content_of(pipeline), threads=1))
        base = with_values(pipeline, {"backend": "jax", "threads": 1})
        actors = [Actor(script, clock) for _ in range(workers)]
        space = axes(pipeline)
        names = short_names([axis.path for axis in space])
        oracle = search.oracle(space, 4, 7)
        ledger = Ledger(state, search, base, oracle, Journal(state.run.journal), names)
        loop = Loop(ledger, actors, clock=clock)
        loop.go(ledger.restore(oracle.open(state.oracle)))
        return loop, actors

    return carry_out


def statuses(loop: Loop) -> dict[str, str]:
    return {name: trial.status for name, trial in loop.ledger.trials.items()}


def test_a_worker_that_dies_gets_its_trial_again(carried_out: Any) -> None:
    def script(task: Task, time: int) -> list[Event]:
        return [{"event": "died", "code": -9}] if task.name == "01" and time < DEATHS else succeeds(0.5)

    loop, (actor,) = carried_out(script)
    assert statuses(loop) == {"00": "done", "01": "done", "02": "done"}
    assert actor.given["01"] == DEATHS


def test_a_worker_that_dies_again_and_again_in_one_epoch_is_a_failed_trial(carried_out: Any) -> None:
    def script(task: Task, time: int) -> list[Event]:
        return [{"event": "died", "code": -9}] if task.name == "01" else succeeds(0.5)

    loop, (actor,) = carried_out(script)
    assert statuses(loop) == {"00": "done", "01": "failed", "02": "done"}
    assert loop.ledger.trials["01"].message == f"its worker was killed by signal 9, {DEATHS} times in the same epoch"
    assert actor.given["01"] == DEATHS


def test_a_trial_that_kills_its_worker_is_given_up_though_epochs_are_told_again(carried_out: Any) -> None:
    """Epochs since the last checkpoint are trained anew each time, and executions before tell theirs again."""

    def script(task: Task, time: int) -> list[Event]:
        told = {"event": "epochs", "execution": 0, "rows": [epoch(1, 0.5)["row"]]}
        return [told, epoch(2, 0.5), {"event": "died", "code": -9}] if task.name == "01" else succeeds(0.5)

    loop, (actor,) = carried_out(script, executions_per_trial=2)
    assert statuses(loop)["01"] == "failed"
    assert actor.given["01"] == DEATHS


def test_what_is_told_of_another_trial_is_not_heard(carried_out: Any) -> None:
    def script(task: Task, time: int) -> list[Event]:
        late = {"event": "failed", "trial": "00", "message": "out of memory", "broken": True}
        return [late, *succeeds(0.5)] if task.name == "01" else succeeds(0.5)

    loop, _ = carried_out(script)
    assert set(statuses(loop).values()) == {"done"}


def test_numbers_that_are_not_finite_do_not_end_the_search(carried_out: Any) -> None:
    def script(task: Task, time: int) -> list[Event]:
        nan = float("nan")
        rows = [epoch(1, nan if task.name == "00" else 0.5)]
        score = float("inf") if task.name == "01" else 0.5
        metrics = {"accuracy": score, "loss": nan if task.name == "02" else 1.0}
        return [*rows, {"event": "executed", "execution": 0, "metrics": metrics}, {"event": "done"}]

    loop, _ = carried_out(script)
    assert statuses(loop) == {"00": "done", "01": "failed", "02": "done"}
    assert loop.ledger.trials["02"].metrics == {"accuracy": 0.5}


def test_the_median_rule_knows_the_epochs_before_a_crash(carried_out: Any) -> None:
    """The best epoch was before the worker died: it is told when the trial is taken up again."""

    def script(task: Task, time: int) -> list[Event]:
        if task.name != "03":
            return succeeds(0.5, epochs=6)
        if time == 1:
            return [epoch(1, 0.9), {"event": "died", "code": -9}]
        again = {"event": "epochs", "execution": 0, "rows": [epoch(1, 0.9)["row"]]}
        return [again, *(epoch(number, 0.3) for number in (2, 3, 4)), measured(0.9), {"event": "done"}]

    loop, _ = carried_out(script, median_rule={"warmup_epochs": 2, "min_trials": 3}, max_trials=4)
    assert loop.ledger.trials["03"].status == "done"
    assert loop.ledger.trials["03"].curve == (0.9, 0.3, 0.3, 0.3)


def test_data_that_cannot_be_read_end_the_search_unless_they_are_searched(carried_out: Any) -> None:
    def script(task: Task, time: int) -> list[Event]:
        return [{"event": "unusable", "message": "no column `nope`", "hint": "mend it"}]

    with pytest.raises(WrongInput, match="no column `nope`"):
        carried_out(script)
    searched, _ = carried_out(script, type="grid", space={"data.batch_size": {"choices": [256, 512]}}, max_trials=None)
    assert set(statuses(searched).values()) == {"refused"}


def test_a_trial_that_comes_on_between_deaths_is_not_given_up(carried_out: Any) -> None:
    def script(task: Task, time: int) -> list[Event]:
        if task.name == "01" and time < 8:
            return [epoch(time, 0.5), {"event": "died", "code": -9}]
        return succeeds(0.5)

    loop, (actor,) = carried_out(script)
    assert loop.ledger.trials["01"].status == "done"
    assert actor.given["01"] == 8


def test_silence_and_lateness_end_a_trial_not_the_search(carried_out: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def script(task: Task, time: int) -> list[Event]:
        return [epoch(1, 0.5)] if task.name == "00" else succeeds(0.5)

    loop, (actor,) = carried_out(script)
    assert loop.ledger.trials["00"].status == "failed"
    assert loop.ledger.trials["00"].message == f"no sign of life for {SILENT_MINUTES:g} minutes"
    assert loop.ledger.trials["00"].epochs == 1
    assert actor.kills == 1
    late, _ = carried_out(script, trial_timeout_minutes=2.0)
    assert late.ledger.trials["00"].message == "took longer than 2 minutes"
    assert [trial.status for trial in late.ledger.trials.values()].count("done") == 2


def test_no_trial_begins_after_the_timeout_and_the_running_one_is_finished(carried_out: Any) -> None:
    loop, _ = carried_out(lambda task, time: succeeds(0.5, epochs=90), timeout_minutes=2.0, max_trials=10)
    assert statuses(loop) == {"00": "done", "01": "done"}
    more, _ = carried_out(lambda task, time: succeeds(0.5), again=True, max_trials=10)
    assert len(more.ledger.trials) == 10


def test_the_median_rule_stops_hopeless_trials_and_they_never_win(carried_out: Any) -> None:
    def script(task: Task, time: int) -> list[Event]:
        score = {"04": 0.3, "05": 0.9}.get(task.name, 0.5 + int(task.name) / 100)
        return succeeds(score, epochs=6)

    rule = {"warmup_epochs": 2, "min_trials": 3}
    loop, _ = carried_out(script, median_rule=rule, max_trials=6)
    assert statuses(loop) == {**dict.fromkeys(("00", "01", "02", "03", "05"), "done"), "04": "stopped"}
    stopped = loop.ledger.trials["04"]
    assert stopped.message == "hopeless after epoch 2: worse than the median of the others"
    assert (stopped.epochs, stopped.score) == (2, 0.1)
    assert loop.ledger.best is not None
    assert loop.ledger.best.name == "05"


def test_the_same_values_are_not_trained_twice(carried_out: Any) -> None:
    """Bayesian search proposes a point again."""
    space = {"model.dropout": {"choices": [0.0, 0.1, 0.2]}}
    loop, (actor,) = carried_out(
        lambda task, time: succeeds(0.5 + task.pipeline["model"]["dropout"]),
        type="bayesian", num_initial_points=2, max_trials=6, space=space,
    )  # fmt: skip
    assert 2 <= len(actor.tasks) <= 3
    repeated = [trial for trial in loop.ledger.trials.values() if trial.status == "repeated"]
    assert repeated
    for trial in repeated:
        twin = loop.ledger.trials[trial.message.removeprefix("the same as ")]
        assert (trial.values, trial.score) == (twin.values, twin.score)


def test_hyperband_does_not_go_on_with_a_trial_that_failed(carried_out: Any) -> None:
    def script(task: Task, time: int) -> list[Event]:
        return [{"event": "failed", "message": "broke", "broken": True}] if int(task.name) % 3 else succeeds(0.5)

    loop, (actor,) = carried_out(script, type="hyperband", max_trials=None, max_epochs=4, factor=2)
    for trial in loop.ledger.trials.values():
        if trial.carries_on and loop.ledger.trials[trial.carries_on].score is None:
            assert trial.status == "failed"
            assert trial.message.startswith(f"it goes on with {trial.carries_on}")
            assert trial.name not in actor.given
    carried = [task for task in actor.tasks if task.carries_on]
    assert carried
    assert all(Path(task.carries_on or "").is_dir() for task in carried)
    assert loop.ledger.oracle.finished


def test_a_trial_without_the_objective_has_failed(carried_out: Any) -> None:
    def script(task: Task, time: int) -> list[Event]:
        return [{"event": "executed", "execution": 0, "metrics": {"loss": 1.0}}, {"event": "done"}]

    loop, _ = carried_out(script)
    assert set(statuses(loop).values()) == {"failed"}
    assert loop.ledger.best is None
    assert loop.ledger.trials["00"].message == "evaluation gave no `accuracy` on this validation split"


def test_finalists_get_the_same_seeds_and_a_verdict(carried_out: Any) -> None:
    def script(task: Task, time: int) -> list[Event]:
        rate = task.pipeline["train"][0]["optimizer"]["AdamW"]["learning_rate"]
        noise = task.pipeline["seed"] % 100 / 1e6 if "seed" in task.name else 0.0
        return succeeds(0.5 + rate + noise)

    loop, (actor,) = carried_out(script, max_trials=4, finalists={"best": 2, "seeds": 3})
    verdict = story.finals(loop, loop.ledger.search)
    assert verdict is not None
    first, second = verdict.scores
    assert first == (loop.ledger.best.name if loop.ledger.best else "")
    seeds = {
        name: [task.pipeline["seed"] for task in actor.tasks if task.name.startswith(f"{name}-seed-")]
        for name in verdict.scores
    }
    assert seeds[first] == seeds[second]
    assert len(set(seeds[first])) == 3
    assert verdict.comparison is not None
    assert verdict.comparison.better == "first"
    assert len([trial for trial in loop.ledger.trials.values() if trial.is_asked]) == 4
    assert sorted(loop.ledger.oracle.inner.trials) == ["0", "1", "2", "3"]


def test_a_crash_in_the_middle_of_an_end_is_mended(carried_out: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """trial.json is there, and nobody else was told."""

    def crash(self: Any, name: str, score: float | None) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("kpipe.tuning.oracle.Oracle.tell", crash)
        with pytest.raises(KeyboardInterrupt):
            carried_out(lambda task, time: succeeds(0.5))
    loop, (actor,) = carried_out(lambda task, time: succeeds(0.6), again=True)
    assert statuses(loop) == {"00": "done", "01": "done", "02": "done"}
    assert loop.ledger.trials["00"].score == 0.5
    assert "00" not in actor.given
    assert runs.Run(loop.ledger.state.folder("00")).record.status == "FINISHED"
    assert [trial.ended for trial in loop.ledger.trials.values()] == [1, 2, 3]


@pytest.mark.parametrize("gone", ["oracle", "trials/01", "trials/02/trial.json"])
def test_a_search_whose_files_are_gone_is_not_gone_on_with(carried_out: Any, gone: str) -> None:
    loop, _ = carried_out(lambda task, time: succeeds(0.5))
    place = loop.ledger.state.run.folder / gone
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    with pytest.raises(WrongInput, match="is gone"):
        carried_out(lambda task, time: succeeds(0.5), again=True, max_trials=5)


def test_best_yaml_and_the_best_model_follow_the_best_trial(carried_out: Any) -> None:
    def script(task: Task, time: int) -> list[Event]:
        (Path(task.folder) / "model").mkdir()
        return succeeds({"00": 0.5, "01": 0.7, "02": 0.6}[task.name])

    loop, _ = carried_out(script)
    assert [trial.folder.name for trial in loop.ledger.state.run.trials if trial.model.exists()] == ["01"]
    assert (loop.ledger.state.run.folder / "best.json").read_text(encoding="utf-8").strip() == '{"trial": "01"}'
    assert "# the best trial of search" in (loop.ledger.state.run.folder / "best.yaml").read_text(encoding="utf-8")


def test_an_invalid_combination_is_refused_without_a_worker(carried_out: Any) -> None:
    """Each of the two is right, but not with the other."""
    space = {
        "train.label_smoothing": {"choices": [0.0, 0.1]},
        "train.loss": {"choices": [None, "SparseCategoricalCrossentropy"]},
    }
    loop, (actor,) = carried_out(lambda task, time: succeeds(0.5), type="grid", space=space, max_trials=None)
    (refused,) = (trial for trial in loop.ledger.trials.values() if trial.status == "refused")
    assert refused.values == {"train.label_smoothing": 0.1, "train.loss": "SparseCategoricalCrossentropy"}
    assert refused.message == "train.label_smoothing: label_smoothing is for the target's own loss"
    assert refused.name not in actor.given
    assert len(actor.given) == 3
