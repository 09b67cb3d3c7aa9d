"""kpipe run: from a checked pipeline to a trained, evaluated, recorded model. The story of the whole package."""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kpipe import backend, devices, finding, record, results, runs
from kpipe.backend import Backend
from kpipe.bench import fastest
from kpipe.errors import MissingExtra, WrongInput
from kpipe.evaluation.expect import Outcome, outcomes
from kpipe.evaluation.mistakes import confusions
from kpipe.files import write_atomic
from kpipe.pipeline import Pipeline, build, effective_yaml, examine, load_splits
from kpipe.record import recorded
from kpipe.runs import ROOT, Run, Share
from kpipe.spec.check import checked
from kpipe.spec.document import read
from kpipe.stages import engine_words, train
from kpipe.stopping import saying_how_to_go_on
from kpipe.stopwatch import Stopwatch
from kpipe.training.method import Watcher

if TYPE_CHECKING:
    import keras

    from kpipe.data.splits import Splits

logger = logging.getLogger("kpipe")


@dataclass(frozen=True)
class Finished:
    """What a run came to."""

    run: Run
    metrics: Mapping[str, float]
    best_epoch: int
    epochs: int
    worst: str
    skipped: tuple[str, ...]
    unsent: str
    expected: tuple[Outcome, ...] = ()
    """what came of the pipeline's expectations"""


def run(
    pipeline: Pipeline,
    text: str | None = None,
    option: str | None = None,
    watchers: Sequence[Watcher] = (),
    root: Path = ROOT,
    say: Callable[[str], None] = logger.info,
    group: str | None = None,
) -> Finished:
    """Trains, evaluates and records ``pipeline``; ``text`` is the YAML as written, ``option`` the backend asked for,
    ``group`` the group of several seeds that the run belongs to.

    Raises:
        WrongInput: before anything is recorded, but for what only Keras can tell.
        Diverged, Interrupted, TrackingError: the run stays, with its status.
    """
    watch = Stopwatch()
    asked = fastest.asked(option, pipeline.backend)
    splits = load_splits(pipeline)
    watch.lap("data")
    chosen = fastest.chosen(asked, pipeline, splits, say)
    watch.lap("choice of the backend")
    pipeline = chosen.put_into(pipeline)
    new = runs.create(root, pipeline.track.experiment or pipeline.name, pipeline.name)
    share = Share(backend=chosen.backend)
    new.update(backend=chosen.backend, backends=(share,), fastest=chosen.words, group=group, seed=pipeline.seed)
    resolved = effective_yaml(pipeline)
    write_atomic(new.folder / "pipeline.yaml", text or resolved)
    write_atomic(new.folder / "resolved.yaml", resolved)
    return carry_out(new, pipeline, chosen.backend, splits, watchers, watch, say)


def resume(
    name: str,
    option: str | None = None,
    watchers: Sequence[Watcher] = (),
    root: Path = ROOT,
    say: Callable[[str], None] = logger.info,
) -> Finished:
    """Goes on with a stopped run from its newest checkpoint, on the backend it was on, or on another by ``option``.

    Raises: RunNotFound; WrongInput: it has finished, is still running, or its data has changed. MissingExtra: the
        backend is not installed.
    """
    stopped = finding.find(root, name)
    if stopped.record.kind != "run":
        search = stopped.parent or stopped
        what = "a trial of a search" if stopped.is_trial else "a search"
        raise WrongInput(
            f"{stopped.name} is {what}, which goes on as a whole",
            f"kpipe tune FILE goes on with it; its file is kept as {search.folder / 'pipeline.yaml'}",
        )
    stopped.hold()
    try:
        if stopped.record.status == "FINISHED":
            raise WrongInput(
                f"run {stopped.name} has finished", f"kpipe run {stopped.folder / 'resolved.yaml'} starts it anew"
            )
        engine = engine_of(stopped, option)
        watch = Stopwatch()
        pipeline = checked(Pipeline, read(stopped.folder / "resolved.yaml"))
        splits = load_splits(pipeline)
        watch.lap("data")
        if stopped.fingerprint not in ("", splits.fingerprint):
            raise WrongInput(
                f"the data has changed since run {stopped.name} began", "bring it back, or start a new run"
            )
        step = record.step_of(stopped)
        if not any(stopped.checkpoints.glob("*.npz")):
            say(f"run {stopped.name} has no checkpoint: it begins anew")
        shares = record.shares_from(stopped, engine, step)
        stopped.update(status="RUNNING", end=None, backend=engine, backends=shares)
        if len(shares) > 1 and shares[-1].step == step:
            before = record.in_words(shares[:-1])
            say(f"so far on {before}; from step {step} on {engine}: same weights, optimizer, order of data and draws")
        return carry_out(stopped, pipeline, engine, splits, watchers, watch, say)
    finally:
        stopped.free()


def engine_of(stopped: Run, option: str | None) -> Backend:
    """The backend that was asked for, or else, whatever KERAS_BACKEND says, the one the run was on.

    Raises: WrongInput: none is named. MissingExtra: it is not installed.
    """
    if option == backend.FASTEST:
        hint = f"kpipe bench FILE says which it is: kpipe run --resume {stopped.name} --backend NAME"
        raise WrongInput("--backend fastest is for new runs: one that goes on names its backend", hint)
    try:
        return backend.choose(option or stopped.record.backend, None)
    except MissingExtra as error:
        there = ", ".join(backend.installed())
        hint = f"install it, or let another go on (installed: {there}): kpipe run --resume {stopped.name} --backend ..."
        raise MissingExtra(f"run {stopped.name}: {error.message}", hint) from error


def carry_out(
    run: Run,
    pipeline: Pipeline,
    engine: Backend,
    splits: Splits,
    watchers: Sequence[Watcher],
    watch: Stopwatch,
    say: Callable[[str], None],
) -> Finished:
    """What a new run and a resumed one have in common."""
    hint = f"go on with: kpipe run --resume {run.name}"
    with recorded(run) as recording, saying_how_to_go_on(f"run {run.name}", hint):
        journal = recording.journal
        write_atomic(run.folder / "fingerprint", splits.fingerprint)
        backend.use(engine, pipeline.precision, pipeline.seed, pipeline.threads, pipeline.devices)
        number = devices.number(engine, pipeline.devices, pipeline.data.batch_size)
        watch.lap("engine")
        say(f"{pipeline.name}  run {run.name}  {engine}, {devices.words(backend.device(), number)}")
        with spread(pipeline, number, splits, run):
            model = build(pipeline, splits.signature)
            record.write_start(journal, pipeline, engine, splits, run.record.backends)
            journal.params({"engine": " / ".join(engine_words(pipeline, model, splits))})
            if run.record.fastest is not None and len(run.record.backends) == 1:
                journal.tags({"backend.fastest": run.record.fastest})
            if run.record.group is not None:
                journal.tags({"group": run.record.group})
            watch.lap("build")
            recording.tracking.ready()
            watch.lap("wait for MLflow")
            threading.Thread(target=import_for_evaluation, daemon=True).start()
            curves = record.Curves(journal, len(pipeline.train) > 1)
            history, best_epoch = train(pipeline, model, splits, run.checkpoints, [*watchers, curves])
        if number > 1:
            model = on_one_device(pipeline, splits, model)
        watch.lap("train")
        results.write_model(journal, run, pipeline, splits, model)
        watch.lap("save")
        evidence = examine(pipeline, model, splits.test, splits.signature, "test", history)
        metrics = pipeline.evaluate.measure(evidence)
        watch.lap("evaluate")
        expected = outcomes(pipeline.expect, metrics, pipeline.evaluate.left_out(evidence))
        results.write_evaluation(journal, run, pipeline, splits, evidence, metrics, expected)
        watch.lap("report")
    watch.lap("end of MLflow")
    run.update(seconds=watch.seconds)
    worst = ", ".join(str(confusion) for confusion in confusions(evidence))
    return Finished(run, metrics, best_epoch, history[-1].epoch, worst, splits.skipped, recording.unsent, expected)


def spread(pipeline: Pipeline, number: int, splits: Splits, run: Run) -> AbstractContextManager[None]:
    """Several devices, for what is built and trained within."""
    from kpipe.training.sharing import spread

    task = {"pipeline": pipeline.model_dump(mode="json", exclude={"tune"})}
    return spread.spread(number, task, splits.fingerprint, run.folder)


def on_one_device(pipeline: Pipeline, splits: Splits, model: keras.Model) -> keras.Model:
    """The trained model, to be saved and evaluated as any other."""
    from kpipe.training.sharing import spread

    return spread.gathered(model, lambda: build(pipeline, splits.signature))


def import_for_evaluation() -> None:
    """Imports what evaluation will need while the engine compiles and trains: 1 to 2 s that nobody waits for."""
    for name in ("sklearn.metrics", "sklearn.calibration", "matplotlib.backends.backend_agg", "jinja2"):
        importlib.import_module(name)
