"""Engine: the one backend of all trials of a search, unless it is searched over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

from kpipe import backend
from kpipe.backend import FASTEST, Backend
from kpipe.bench import fastest
from kpipe.bench.fastest import Chosen
from kpipe.errors import MissingExtra, WrongInput
from kpipe.pipeline import Pipeline, axes, load_splits
from kpipe.search import machine
from kpipe.search.state import content_of, earlier


def engine_of(
    pipeline: Pipeline, option: str | None, workers: int | None, root: Path, fresh: bool, say: Callable[[str], None]
) -> Chosen | None:
    """None where the backend is searched over.

    The fastest is chosen once: a search that goes on stays with what was chosen when it began.

    Raises: WrongInput, MissingExtra; RunFailed: the fastest is asked for, and the pipeline trains on none.
    """
    if pipeline.tune is not None and "backend" in pipeline.tune.space:
        require_searchable(pipeline, option)
        return None
    if not backend.wants_fastest(option, pipeline.backend):
        return Chosen(backend.choose(option, pipeline.backend))
    before = None if fresh else chosen_before(pipeline, root)
    if before is not None:
        return before
    threads = pipeline.threads or max(1, machine.cores() // (workers or 1))
    trial = pipeline.model_copy(update={"threads": threads})  # as many as each trial will have
    return fastest.chosen(None, trial, load_splits(trial), say)


def require_searchable(pipeline: Pipeline, option: str | None) -> None:
    """Raises: WrongInput: one backend is asked for all the same. MissingExtra: one is not installed."""
    if option is not None:
        raise WrongInput("--backend: the backend is searched over in this file", "leave out --backend")
    for axis in axes(pipeline):
        for name in axis.values or () if axis.path == "backend" else ():
            if name not in backend.installed():
                raise MissingExtra(f"tune.space.backend: {name} is not installed", f"pip install 'kpipe[{name}]'")


def chosen_before(pipeline: Pipeline, root: Path) -> Chosen | None:
    """What the newest search of the same content was begun with, where that was chosen as the fastest then."""
    wanted = {**content_of(pipeline), "backend": FASTEST}
    for run, settings in earlier(root, pipeline):
        engine = settings.content.get("backend")
        if run.record.fastest is not None and {**settings.content, "backend": FASTEST} == wanted:
            for name in get_args(Backend):
                if name == engine and name in backend.installed():
                    return Chosen(name, run.record.fastest)
    return None
