"""Fastest: every installed backend measured, or remembered, and the one whose run is the shortest."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpipe import backend
from kpipe.backend import Backend
from kpipe.bench import kept
from kpipe.bench.measurement import Failed, Measured, Row, quickest, stops_early, whole_run
from kpipe.bench.process import Hear, measure_in_process
from kpipe.errors import Interrupted, RunFailed, WrongInput
from kpipe.pipeline import Pipeline

if TYPE_CHECKING:
    from kpipe.data.splits import Splits

STEPS = 25
"""In an epoch that is measured."""
STARTING = "starting"


@dataclass(frozen=True)
class Bench:
    """What each backend takes for a pipeline; ``new`` are those that were measured now."""

    pipeline: Pipeline
    rows: tuple[Row, ...]
    new: frozenset[Backend]

    @property
    def ranking(self) -> tuple[Measured, ...]:
        """Those that trained, the shortest run first."""
        return quickest(self.rows, self.pipeline)

    @property
    def failures(self) -> tuple[Failed, ...]:
        return tuple(row for row in self.rows if isinstance(row, Failed))

    @property
    def words(self) -> str:
        """``jax, 38 s against tensorflow 51 s; torch failed; measured now, kept in ...``."""
        first, *others = self.ranking
        most = "at most " if stops_early(self.pipeline) else ""
        said = f"{first.backend}, {most}{duration(whole_run(first, self.pipeline))}"
        if others:
            times = (f"{row.backend} {duration(whole_run(row, self.pipeline))}" for row in others)
            said += f" against {', '.join(times)}"
        if self.failures:
            said += f"; {', '.join(row.backend for row in self.failures)} failed"
        days = {f"{row.when:%Y-%m-%d}" for row in self.rows if row.backend not in self.new}
        when = [*(["now"] if self.new else []), *sorted(days)]
        return f"{said}; measured {' and '.join(when)}, kept in {short(kept.folder())}"


@dataclass(frozen=True)
class Chosen:
    """A backend; ``words`` say why, where it was not asked for by its name."""

    backend: Backend
    words: str | None = None

    def put_into(self, pipeline: Pipeline) -> Pipeline:
        """The pipeline with the backend in it, where it was chosen or the pipeline says `fastest`."""
        if self.words is None and pipeline.backend != backend.FASTEST:
            return pipeline
        return pipeline.model_copy(update={"backend": self.backend})


def asked(option: str | None, written: str | None) -> Backend | None:
    """The backend that is asked for; None where it is to be the fastest.

    Raises: WrongInput: there is no such backend, or the fastest is asked for where Keras runs already. MissingExtra.
    """
    if not backend.wants_fastest(option, written):
        return backend.choose(option, written)
    loaded = sys.modules.get("keras")
    if loaded is not None:
        engine = loaded.backend.backend()
        raise WrongInput(
            f"backend: `fastest` cannot be chosen: Keras already runs on {engine} in this process",
            f"start a new Python, or take `backend: {engine}`; kpipe bench FILE says which is the fastest",
        )
    return None


def bench(
    pipeline: Pipeline,
    splits: Splits,
    engines: Sequence[Backend],
    hear: Hear,
    steps: int = STEPS,
    fresh: bool = False,
) -> Bench:
    """Measures each backend that was not measured before for the same content, one after the other.

    Raises: WrongInput: the pipeline is for several devices; one is measured.
    """
    if pipeline.devices != 1:
        hint = "kpipe bench FILE --set devices=1; where several devices train, name the backend"
        raise WrongInput(f"devices: one device is timed, and the pipeline has `devices: {pipeline.devices}`", hint)
    rows: list[Row] = []
    new: set[Backend] = set()
    failed: list[tuple[dict[str, Any], Row]] = []
    for engine in engines:
        content = kept.content_of(pipeline, splits, engine)
        row = None if fresh else kept.find(content)
        if row is None:
            row = measured_or_stopped(pipeline, engine, steps, hear)
            new.add(engine)
            if isinstance(row, Measured):
                kept.keep(content, row)
            elif row.told:
                failed.append((content, row))
        rows.append(row)
    found = Bench(pipeline, tuple(rows), frozenset(new))
    for content, row in failed if found.ranking else ():  # where all fail, it need not be for the backend
        kept.keep(content, row)
    return found


def measured_or_stopped(pipeline: Pipeline, engine: Backend, steps: int, hear: Hear) -> Row:
    """Raises: Interrupted: Ctrl-C."""
    hear(engine, STARTING)
    try:
        return measure_in_process(pipeline, engine, steps, hear)
    except KeyboardInterrupt:
        raise Interrupted(f"stopped while {engine} was timed", "what was measured before is kept") from None


def known(pipeline: Pipeline, splits: Splits) -> Bench | None:
    """What was measured before of all installed backends; None where something is missing."""
    found = [kept.find(kept.content_of(pipeline, splits, engine)) for engine in backend.installed()]
    rows = tuple(row for row in found if row is not None)
    complete = Bench(pipeline, rows, frozenset())
    return complete if len(rows) == len(found) and complete.ranking else None


def chosen(asked: Backend | None, pipeline: Pipeline, splits: Splits, say: Callable[[str], None]) -> Chosen:
    """What was asked for, or the backend on which the whole run takes the least; then it says which and why.

    Raises: RunFailed: it runs on none. MissingExtra: none is installed.
    """
    if asked is not None:
        return Chosen(asked)
    engines = backend.installed()
    if len(engines) < 2:
        return Chosen(backend.choose(next(iter(engines), "tensorflow"), None), "the only backend installed")

    def hear(engine: Backend, doing: str) -> None:
        if doing == STARTING:
            say(f"timing  {engine}")

    found = bench(pipeline, splits, engines, hear)
    require_one(found)
    say(f"fastest {found.words}")
    return Chosen(found.ranking[0].backend, found.words)


def require_one(found: Bench) -> None:
    """Raises: RunFailed: no backend trained."""
    if not found.ranking:
        reasons = "\n".join(f"{', '.join(names)}: {reason}" for reason, names in reasons_of(found.failures).items())
        raise RunFailed(
            f"{found.pipeline.name} trains on none of: {', '.join(row.backend for row in found.rows)}", reasons
        )


def reasons_of(failures: Sequence[Failed]) -> dict[str, list[Backend]]:
    """Each reason once, with the backends that it holds for."""
    found: dict[str, list[Backend]] = {}
    for row in failures:
        found.setdefault(row.reason, []).append(row.backend)
    return found


def short(folder: Path) -> str:
    """``~/.cache/kpipe/bench``."""
    home = Path.home()
    return f"~/{folder.relative_to(home)}" if folder.is_relative_to(home) else str(folder)


def duration(seconds: float) -> str:
    """``0.8 s``, ``38 s``, ``12 min``, ``3.4 h``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
