"""Which backends are measured, which is picked, and what is said of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from kpipe import backend
from kpipe.bench import fastest
from kpipe.bench.fastest import Bench, Chosen
from kpipe.errors import Interrupted, RunFailed, SpecError, WrongInput
from kpipe.pipeline import Pipeline, load_splits
from kpipe.spec.check import checked
from kpipe.spec.document import document_of

from .conftest import WRITTEN, Measuring, failed, measured

Make = Callable[..., Pipeline]
Put = Callable[..., Measuring]


def chosen(pipeline: Pipeline, said: list[str] | None = None) -> Chosen:
    heard: list[str] = [] if said is None else said
    return fastest.chosen(None, pipeline, load_splits(pipeline), heard.append)


def test_the_shortest_run_is_taken_and_it_is_said_why(pipeline: Make, measuring: Put, cache: Path) -> None:
    measuring(measured("tensorflow", 0.5), measured("jax", 0.1), failed("torch"))
    said: list[str] = []
    found = chosen(pipeline(), said)
    assert found.backend == "jax"
    assert found.words == f"jax, 14 s against tensorflow 38 s; torch failed; measured now, kept in {cache}"
    assert said == ["timing  tensorflow", "timing  jax", "timing  torch", f"fastest {found.words}"]


def test_what_was_measured_before_is_remembered(pipeline: Make, measuring: Put, cache: Path) -> None:
    before = measuring(measured("tensorflow", 0.5), measured("jax", 0.1), failed("torch"))
    chosen(pipeline())
    said: list[str] = []
    again = chosen(pipeline({"train.epochs": 1}), said)
    assert before.asked == ["tensorflow", "jax", "torch"]
    assert again.words == f"jax, 8.5 s against tensorflow 16 s; torch failed; measured 2026-11-20, kept in {cache}"
    assert said == [f"fastest {again.words}"]


def test_only_what_is_missing_is_measured(pipeline: Make, measuring: Put) -> None:
    measuring(measured("tensorflow", 0.5))
    here, splits = pipeline(), load_splits(pipeline())
    assert fastest.bench(here, splits, ["tensorflow"], lambda *_: None).new == {"tensorflow"}
    later = measuring(measured("tensorflow", 0.01), measured("jax", 0.1))
    found = fastest.bench(here, splits, ["tensorflow", "jax"], lambda *_: None)
    assert (later.asked, found.new) == (["jax"], {"jax"})
    assert found.ranking[0].backend == "jax"
    anew = fastest.bench(here, splits, ["tensorflow", "jax"], lambda *_: None, fresh=True)
    assert anew.ranking[0].backend == "tensorflow"


def test_where_nothing_trains_nothing_is_kept(pipeline: Make, measuring: Put, cache: Path) -> None:
    measuring(failed("tensorflow", "loss became nan"), failed("jax", "no memory"), failed("torch", "loss became nan"))
    with pytest.raises(RunFailed, match=r"of: tensorflow, jax, torch\ntensorflow, torch: loss became nan\njax: no mem"):
        chosen(pipeline())
    assert not cache.exists()


def test_what_was_killed_is_measured_again(pipeline: Make, measuring: Put) -> None:
    killed = failed("tensorflow", "was killed by signal 9").model_copy(update={"told": False})
    measuring(killed, measured("jax", 0.1), failed("torch"))
    chosen(pipeline())
    again = measuring(measured("tensorflow", 0.01), measured("jax", 0.1), failed("torch"))
    assert chosen(pipeline()).backend == "tensorflow"
    assert again.asked == ["tensorflow"]


def test_several_devices_are_not_measured(pipeline: Make, measuring: Put) -> None:
    measuring(measured("tensorflow", 0.5), measured("jax", 0.1), measured("torch", 0.1))
    with pytest.raises(WrongInput, match="one device is timed, and the pipeline has `devices: 2`") as raised:
        chosen(pipeline({"devices": 2}))
    assert "--set devices=1" in raised.value.hint


def test_a_single_backend_needs_no_measuring(pipeline: Make, measuring: Put) -> None:
    only = measuring(measured("torch", 0.5))
    assert chosen(pipeline()) == Chosen("torch", "the only backend installed")
    assert only.asked == []


def test_at_most_where_training_may_stop_early(pipeline: Make) -> None:
    found = Bench(pipeline({"train.early_stopping": {}}), (measured("jax", 0.1),), frozenset({"jax"}))
    assert found.words.startswith("jax, at most 14 s; measured now")


def test_only_what_is_measured_of_all_is_known(pipeline: Make, measuring: Put) -> None:
    here, splits = pipeline(), load_splits(pipeline())
    measuring(measured("tensorflow", 0.5), measured("jax", 0.1))
    fastest.bench(here, splits, ["jax"], lambda *_: None)
    assert fastest.known(here, splits) is None
    fastest.bench(here, splits, ["tensorflow"], lambda *_: None)
    known = fastest.known(here, splits)
    assert known is not None
    assert known.ranking[0].backend == "jax"


def test_ctrl_c_says_what_was_timed(pipeline: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fastest, "measure_in_process", stop)
    with pytest.raises(Interrupted, match="stopped while jax was timed"):
        fastest.bench(pipeline(), load_splits(pipeline()), ["jax"], lambda *_: None)


@pytest.mark.parametrize(
    ("option", "environment", "written", "wanted"),
    [
        ("fastest", "jax", "torch", True),
        ("torch", None, "fastest", False),
        (None, "jax", "fastest", False),
        (None, None, "fastest", True),
        (None, None, None, False),
    ],
)
def test_it_is_asked_for_in_the_order_of_every_backend(
    option: str | None, environment: str | None, written: str | None, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if environment is not None:
        monkeypatch.setenv("KERAS_BACKEND", environment)
    assert backend.wants_fastest(option, written) is wanted


def test_keras_own_variable_knows_no_fastest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "fastest")
    with pytest.raises(WrongInput, match="KERAS_BACKEND: no backend `fastest`"):
        fastest.asked(None, "fastest")


def test_a_process_that_has_its_backend_cannot_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = SimpleNamespace(backend=SimpleNamespace(backend=lambda: "torch"))
    monkeypatch.setitem(sys.modules, "keras", loaded)  # type: ignore[arg-type]
    with pytest.raises(WrongInput, match=r"Keras already runs on torch in this process\nstart a new Python"):
        fastest.asked("fastest", None)


def test_what_is_asked_for_by_name_stays_as_written(pipeline: Make) -> None:
    written = pipeline({"backend": "jax"})
    assert Chosen("torch").put_into(written) is written
    assert Chosen("torch").put_into(pipeline({"backend": "fastest"})).backend == "torch"
    assert Chosen("torch", "why").put_into(written).backend == "torch"


def test_a_search_over_backends_cannot_have_it_among_them() -> None:
    tune = {"type": "grid", "objective": "val_accuracy", "space": {"backend": {"choices": ["jax", "fastest"]}}}
    with pytest.raises(SpecError, match=r"tune\.space\.backend\.choices\.1: each backend is tried .*`fastest` is not"):
        checked(Pipeline, document_of({**WRITTEN, "tune": tune}))


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.84, "0.8 s"), (9.96, "10 s"), (38.4, "38 s"), (720.0, "12 min"), (12240.0, "3.4 h")]
)
def test_durations_are_short(seconds: float, words: str) -> None:
    assert fastest.duration(seconds) == words


def test_the_command_and_the_run_take_as_many_steps() -> None:
    from kpipe.commands import bench

    assert bench.STEPS == fastest.STEPS
