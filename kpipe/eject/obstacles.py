"""Obstacles: what of a pipeline no script can have, as far as its YAML tells, all at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from kpipe.eject.evaluation import metrics
from kpipe.eject.section import cannot, require_defaults, together, writer_of
from kpipe.eject.training.loop import stages
from kpipe.errors import WrongInput

if TYPE_CHECKING:
    from kpipe.pipeline import Pipeline


def require_none(pipeline: Pipeline, written: Collection[str]) -> None:
    """Raises: WrongInput: a component or a setting cannot be written."""
    found: list[WrongInput] = []

    def attempt(check: Callable[..., object], *given: Any) -> None:
        try:
            check(*given)
        except WrongInput as error:
            found.append(error)

    attempt(require_defaults, pipeline, "", written)
    attempt(lambda: writer_of("kpipe.eject.data", "data", pipeline.data.type).check(pipeline.data))
    attempt(stages.check, pipeline.train)
    for method in pipeline.train:
        attempt(lambda one: writer_of("kpipe.eject.training", "train", one.type).check(one), method)
    attempt(require_metrics, pipeline.evaluate.metrics or ())
    if found:
        raise together(found)


def require_metrics(chosen: Sequence[Any]) -> None:
    """Raises: WrongInput: one that is named has no code."""
    unknown = [f"`{metric.type}`" for metric in chosen if metric.type not in metrics.written()]
    if unknown:
        raise cannot(f"evaluate.metrics: {', '.join(unknown)}", f"what can: {', '.join(metrics.written())}")
