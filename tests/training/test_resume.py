"""A stage that was stopped ends as if it had not been: same weights, same curves, on every backend."""

from __future__ import annotations

import resource
import signal
import time
import warnings

import pytest

from kpipe.errors import Interrupted, NotSaved, RunFailed

EVERYTHING = {
    "epochs": 4,
    "optimizer": {"AdamW": {"learning_rate": 0.01, "use_ema": True, "ema_momentum": 0.9, "global_clipnorm": 1.0}},
    "schedule": {"type": "cosine", "warmup": 3},
    "early_stopping": {"patience": 3},
    "class_weight": "balanced",
    "label_smoothing": 0.1,
}
"""Four steps an epoch, the last of them short."""


def logs(trained):
    return [dict(row.logs) for row in trained.history]


def stopped(trial, seen, written, epoch, step, number=signal.SIGINT):
    with pytest.raises(Interrupted) as caught:
        trial.fit(written, seen(stop_at=(epoch, step), number=number), folder="stopped")
    return caught.value


def test_resume_is_exact_from_the_middle_and_the_end_of_an_epoch(trial, seen, difference):
    straight, expected = trial.fit(EVERYTHING)
    stopped(trial, seen, EVERYTHING, 1, 2)
    stopped(trial, seen, EVERYTHING, 2, 4)
    stopped(trial, seen, EVERYTHING, 4, 1)
    resumed, trained = trial.fit(EVERYTHING, folder="stopped")
    assert difference(straight, resumed) == 0.0
    assert logs(trained) == logs(expected)
    assert trained.best_epoch == expected.best_epoch
    assert [row.step for row in trained.history] == [4, 8, 12, 16]


def test_resume_is_exact_without_best_weights_and_with_accumulation(trial, seen, difference):
    written = {
        "epochs": 3,
        "restore_best": False,
        "optimizer": {
            "SGD": {"learning_rate": 0.1, "momentum": 0.9, "gradient_accumulation_steps": 3, "use_ema": True}
        },
    }
    straight, expected = trial.fit(written)
    stopped(trial, seen, written, 2, 1)
    resumed, trained = trial.fit(written, folder="stopped")
    assert difference(straight, resumed) == 0.0
    assert logs(trained) == logs(expected)
    assert trained.best_epoch == 3


def test_training_that_paused_after_some_epochs_goes_on_as_if_it_had_not(trial, seen, difference):
    straight, expected = trial.fit(EVERYTHING)
    for epochs in (1, 3):
        paused, trained = trial.fit({**EVERYTHING, "stop_after": epochs}, folder="stopped")
        assert len(trained.history) == epochs
        assert difference(straight, paused) > 0.0
    resumed, trained = trial.fit(EVERYTHING, folder="stopped")
    assert difference(straight, resumed) == 0.0
    assert logs(trained) == logs(expected)
    assert trained.best_epoch == expected.best_epoch


def test_interrupted_says_where_and_exits_with_the_signal(trial, seen):
    before = signal.getsignal(signal.SIGTERM)
    error = stopped(trial, seen, {"epochs": 3}, 2, 3, signal.SIGTERM)
    assert str(error) == "stopped at epoch 2, step 3; saved"
    assert error.exit_code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_finished_stage_is_not_trained_again(trial, seen, difference):
    written = {"epochs": 2, "optimizer": {"Adam": {"learning_rate": 0.01}}}
    straight, expected = trial.fit(written)
    watcher = seen()
    again, trained = trial.fit(written, watcher)
    assert difference(straight, again) == 0.0
    assert (trained.history, trained.best_epoch, trained.steps) == (expected.history, expected.best_epoch, 8)
    assert watcher.steps == []
    assert watcher.rows == []


def test_a_broken_checkpoint_is_noticed_and_the_one_before_used(trial, seen, difference):
    written = {"epochs": 3}
    straight, _ = trial.fit(written)
    stopped(trial, seen, written, 1, 3)
    stopped(trial, seen, written, 2, 2)
    older, newest = sorted((trial.folder / "stopped").glob("*.npz"))
    newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
    with pytest.warns(UserWarning, match=f"{newest.name} is broken"):
        resumed, trained = trial.fit(written, folder="stopped")
    assert older.name < newest.name
    assert difference(straight, resumed) == 0.0
    assert len(trained.history) == 3


def test_early_stopping_counts_on_through_a_stop(trial, seen):
    written = {
        "epochs": 9,
        "optimizer": {"SGD": {"learning_rate": 1e-6}},
        "early_stopping": {"monitor": "val_accuracy", "patience": 2},
    }
    _, expected = trial.fit(written)
    assert len(expected.history) == expected.best_epoch + 2 < 9
    stopped(trial, seen, written, 2, 1)
    _, trained = trial.fit(written, folder="stopped")
    assert logs(trained) == logs(expected)


def test_a_stage_after_a_resumed_one_runs_all_its_epochs(trial, seen):
    stopped(trial, seen, {"epochs": 3}, 2, 2)
    model, _ = trial.fit({"epochs": 3}, folder="stopped")
    _, second = trial.fit({"epochs": 4}, model=model, index=1, folder="stopped")
    assert [row.epoch for row in second.history] == [1, 2, 3, 4]


def test_the_checkpoint_of_another_model_is_refused(trial, seen, fresh_model):
    stopped(trial, seen, {"epochs": 3}, 1, 2)
    with pytest.raises(RunFailed, match="the checkpoint does not fit: its optimizer"):
        trial.fit({"epochs": 3, "optimizer": "SGD"}, folder="stopped")


def test_checkpoints_cost_a_bounded_share_of_the_time(trial, seen, monkeypatch):
    from kpipe.training.loop import conductor, writing

    saves = []
    save = conductor.Checkpoints.save
    monkeypatch.setattr(conductor.Checkpoints, "save", lambda self, one: saves.append(save(self, one)))
    trial.fit({"epochs": 2}, folder="cheap")
    assert 1 <= len(saves) <= 2  # the last epoch's always, the first's as it took long
    saves.clear()
    monkeypatch.setattr(writing.Writer, "cost", lambda self, size: 1000.0)
    trial.fit({"epochs": 2}, folder="dear")
    assert len(saves) == 1
    saves.clear()
    trial.fit({"epochs": 2}, folder="each step", checkpointing={"every_steps": 1})
    assert len(saves) == 2 * 4, "steps that are asked for are not left out"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list((trial.folder / "each step").iterdir())) == 2
    saves.clear()
    monkeypatch.setattr(conductor, "SAVE_SHARE", 0)
    with monkeypatch.context() as patch:
        begin = writing.Writer.begin
        patch.setattr(writing.Writer, "begin", lambda self, one: (begin(self, one), self.wait()))
        trial.fit({"epochs": 2}, folder="each instant", checkpointing={"every_minutes": 1e-9})
    assert len(saves) == 2 * 4, "by the clock, as often as one is whole"
    saves.clear()
    trial.fit({"epochs": 2, "restore_best": False}, folder="each third", checkpointing={"every_steps": 3, "keep": 9})
    assert len(saves) == len(list((trial.folder / "each third").iterdir())) == 4  # steps 3, 6, and the epochs' ends
    saves.clear()
    ahead = {"epochs": 2, "restore_best": False, "steps_per_execution": 4}
    trial.fit(ahead, folder="ahead", checkpointing={"every_steps": 3, "keep": 9})
    assert len(saves) == len(list((trial.folder / "ahead").iterdir())) == 4, "a call makes no step beyond a checkpoint"


def test_a_checkpoint_that_cannot_be_written_ends_the_stage_and_the_one_before_goes_on(trial, seen, difference):
    """The system really refuses to let a file grow; what was saved before is exact."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)

    class Full(seen):
        def on_step(self, epoch, step, logs):
            if (epoch, step) == (2, 2):
                while not (trial.folder / "full" / "stage-0-000005.npz").exists():  # the thread is at work on it
                    time.sleep(0.01)
                resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))

    often = {"checkpointing": {"every_steps": 1}}
    straight, expected = trial.fit(EVERYTHING)
    try:
        with pytest.raises(NotSaved, match=r"File too large; the last good one is stage-0-000005\.npz"):
            trial.fit(EVERYTHING, Full(), folder="full", **often)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert sorted(path.name[-5] for path in (trial.folder / "full").iterdir()) == ["4", "5"]
    resumed, trained = trial.fit(EVERYTHING, folder="full", **often)
    assert difference(straight, resumed) == 0.0
    assert logs(trained) == logs(expected)
