"""kpipe tune: from a checked pipeline to the best of its space. The story of a search."""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpipe import backend, runs
from kpipe.backend import Backend
from kpipe.errors import WrongInput
from kpipe.pipeline import Pipeline, axes, with_values
from kpipe.runs import ROOT, Run
from kpipe.search import machine, record
from kpipe.search.engine import engine_of
from kpipe.search.finalists import Verdict, finalists, verdict
from kpipe.search.frame import frame
from kpipe.search.ledger import Ledger
from kpipe.search.loop import Loop
from kpipe.search.onlooker import Onlooker
from kpipe.search.results import write_results
from kpipe.search.state import Settings, State, choose, content_of
from kpipe.search.trial import Trial
from kpipe.search.trial_pipeline import whole_epochs
from kpipe.search.worker import Place, Worker
from kpipe.stopping import saying_how_to_go_on
from kpipe.tracking.journal import Journal
from kpipe.tracking.limits import require_model_name
from kpipe.tuning.search import Search
from kpipe.tuning.space import Axis, short_names

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("kpipe")
MOST_WORKERS = 1024
HINT = "all is kept; the same command goes on"


@dataclass(frozen=True)
class Found:
    """What a search came to."""

    run: Run
    trials: tuple[Trial, ...]
    best: Trial | None
    search: Search
    axes: tuple[Axis, ...]
    verdict: Verdict | None
    unsent: str

    @property
    def frame(self) -> pd.DataFrame:
        """A row for each trial, best first."""
        return frame(self.trials, self.search.objective, self.search.best, [axis.path for axis in self.axes])


def tune(
    pipeline: Pipeline,
    text: str = "",
    option: str | None = None,
    workers: int | None = None,
    ray: str | None = None,
    resume: bool = False,
    fresh: bool = False,
    register: str | None = None,
    onlookers: Sequence[Onlooker] = (),
    root: Path = ROOT,
    say: Callable[[str], None] = logger.info,
) -> Found:
    """Searches the space of ``pipeline``; a search of the same content is gone on with, unless ``fresh``.

    ``text`` is the YAML as written, ``option`` the backend asked for, ``ray`` the address of a Ray cluster.

    Raises:
        WrongInput: there is no `tune`; with ``resume``: there is no search to go on with, or its content differs.
        Interrupted: Ctrl-C or SIGTERM; everything is on disk.
    """
    search = searched(pipeline)
    if pipeline.devices != 1:
        message = "devices: a search gives each of its trials one device"
        raise WrongInput(message, "leave it to `kpipe run`; for the search: --set devices=1")
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise WrongInput(f"workers: {workers} is outside 1 to {MOST_WORKERS}", "by default one trial runs at a time")
    if register is not None:
        require_model_name(register)
    chosen = engine_of(pipeline, option, workers, root, fresh, say)
    engine = chosen.backend if chosen else None
    if engine is not None:
        pipeline = pipeline.model_copy(update={"backend": engine})
    before = None if fresh else choose(root, pipeline, resume)
    places, threads = places_for(before, pipeline, workers, ray)
    run = before or runs.create(root, pipeline.track.experiment or pipeline.name, pipeline.name, "search")
    run.hold()
    try:
        state = State(run)
        if chosen and chosen.words:
            run.update(fastest=chosen.words)
        state.begin(pipeline, text, Settings(content=content_of(pipeline), threads=threads))
        with record.recorded(run) as recording, saying_how_to_go_on(f"search {run.name}", HINT), ended(places):
            recording.tracking.ready()
            say(f"{pipeline.name}  search {run.name}{' goes on' if before else ''}  {engine or 'several backends'}")
            loop = prepared(state, pipeline, search, engine, threads, places, recording.journal, onlookers)
            ledger = loop.ledger
            loop.go(ledger.restore(ledger.oracle.open(state.oracle)))
            statement = finals(loop, search)
            write_results(ledger, pipeline, statement)
            finish(ledger, register)
            record.end_search(recording.journal)
    finally:
        run.free()
    asked = tuple(trial for trial in ledger.trials.values() if trial.is_asked)
    return Found(run, asked, ledger.best, search, axes(pipeline), statement, recording.unsent)


def searched(pipeline: Pipeline) -> Search:
    """The `tune` section. Raises: WrongInput: there is none."""
    if pipeline.tune is None:
        raise WrongInput(
            f"{pipeline.name}: there is no `tune` section", "kpipe list tuning shows the searches there are"
        )
    return pipeline.tune


def places_for(
    run: Run | None, pipeline: Pipeline, workers: int | None, ray: str | None
) -> tuple[Sequence[Place], int]:
    """Where trials run, and the threads of each, which a search that goes on keeps."""
    search = searched(pipeline)
    settings = State(run).settings if run is not None else None
    threads = settings.threads if settings else pipeline.threads
    limit = int(search.trial_memory_gb * 1e9) if search.trial_memory_gb is not None else None
    if ray is not None:
        from kpipe.search import ray_cluster

        return ray_cluster.connect(ray, workers, threads, limit)
    number = workers or 1
    memory = limit or machine.memory_share(number)
    shares = machine.gpu_shares(number, machine.gpus())
    return [Worker(memory, share) for share in shares], threads or max(1, machine.cores() // number)


@contextmanager
def ended(places: Sequence[Place]) -> Iterator[None]:
    """No worker outlives the search, nor does anything that the search still has to say."""
    try:
        yield
    finally:
        for place in places:
            place.kill()


def prepared(
    state: State,
    pipeline: Pipeline,
    search: Search,
    engine: Backend | None,
    threads: int,
    places: Sequence[Place],
    journal: Journal,
    onlookers: Sequence[Onlooker],
) -> Loop:
    """The search, ready to go."""
    space = axes(pipeline)
    names = short_names([axis.path for axis in space])
    fixed = {"backend": engine, "threads": threads}
    base = with_values(pipeline, {path: value for path, value in fixed.items() if path not in search.space})
    record.begin_search(journal, pipeline, search, names, engine or "", state.run.record.fastest)
    if "keras" not in sys.modules:  # KerasTuner needs one; in a notebook it is the one that the user will meet
        backend.use(engine or backend.installed()[0])
    epochs = whole_epochs(base, search) if search.type == "hyperband" else 1
    oracle = search.oracle(space, epochs, backend.derive(pipeline.seed, "tune"))
    return Loop(Ledger(state, search, base, oracle, journal, names, onlookers), places)


def first_trials(pipeline: Pipeline, number: int) -> list[dict[str, Any]]:
    """What a new search would try first; nothing is trained, every trial is taken to come to the same."""
    search = searched(pipeline)
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        epochs = whole_epochs(pipeline, search) if search.type == "hyperband" else 1
        oracle = search.oracle(axes(pipeline), epochs, backend.derive(pipeline.seed, "tune"))
        oracle.open(Path(folder) / "oracle")
        while len(found) < number and (suggestion := oracle.ask()) is not None:
            found.append(suggestion.values)
            oracle.tell(suggestion.name, 0.0)
    return found


def finals(loop: Loop, search: Search) -> Verdict | None:
    """The best trials trained with other seeds, where that is asked for, and what they say."""
    if search.finalists is None:
        return None
    chosen = finalists(loop.ledger.trials.values(), search)
    loop.run_all([job for trial in chosen for job in seeds_of(loop.ledger, trial, search.finalists.seeds)])
    return verdict(chosen, loop.ledger.trials, search)


def seeds_of(ledger: Ledger, trial: Trial, seeds: int) -> Iterator[tuple[str, Pipeline]]:
    """The trial's pipeline with other seeds, by name; the same seeds for every trial."""
    pipeline = ledger.state.pipeline(Run(ledger.state.folder(trial.name)))
    assert pipeline is not None
    for number in range(1, seeds + 1):
        seed = backend.derive(ledger.pipeline.seed, "finalist", number)
        yield f"{trial.name}-seed-{number}", with_values(pipeline, {"seed": seed})


def finish(ledger: Ledger, register: str | None) -> None:
    """Tells MLflow of the best trial's model; checkpoints that nobody will go on from are removed."""
    if ledger.oracle.finished:
        for trial in ledger.trials.values():
            ledger.state.forget(Run(ledger.state.folder(trial.name)).checkpoints)
    if ledger.best is not None:
        run = Run(ledger.state.folder(ledger.best.name))
        journal = Journal(run.journal, resume=False)
        record.write_model(journal, run.model, register or "")
        journal.close()
