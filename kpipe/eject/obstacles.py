"""Obstacles: what of a pipeline no script can have, as far as its YAML tells, all at once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from kpipe.eject.evaluation import metrics
from kpipe.eject.section import require_defaults, together, writer_of
from kpipe.eject.training.loop import stages
from kpipe.errors import WrongInput

if TYPE_CHECKING:
    from kpipe.pipeline import Pipeline


NO_LAYER_OF_OURS = {"augmentation"}
"""Fields of networks that become layers which draw in a way of Keras's own."""


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
    attempt(require_defaults, pipeline.model, "model", type(pipeline.model).model_fields.keys() - NO_LAYER_OF_OURS)
    attempt(stages.check, pipeline.train)
    for index, method in enumerate(pipeline.train):
        where = f"train.{index}" if len(pipeline.train) > 1 else "train"
        attempt(lambda one, path: writer_of("kpipe.eject.training", path, one.type).check(one, path), method, where)
    attempt(metrics.require_written, pipeline.evaluate.metrics or ())
    if found:
        raise together(found)
