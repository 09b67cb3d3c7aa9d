"""Stages: the trainings of a pipeline, one after the other: how long each is, how it is carried out, and doing it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpipe.pipeline import Pipeline
from kpipe.training.method import Epoch, Method, Stage, Watcher

if TYPE_CHECKING:
    import keras

    from kpipe.data.splits import Splits
    from kpipe.training.loop.chosen import Chosen


def train(
    pipeline: Pipeline, model: keras.Model, splits: Splits, checkpoints: Path, watchers: Sequence[Watcher]
) -> tuple[tuple[Epoch, ...], int]:
    """The stages, one after the other, each from its newest checkpoint; all their epochs and the best of the last."""
    history: tuple[Epoch, ...] = ()
    steps = best_epoch = 0
    for index, method in enumerate(pipeline.train):
        stage = stage_of(pipeline, index, steps, checkpoints, watchers=tuple(watchers))
        trained = method.train(model, splits.train, splits.validation, splits.signature, stage)
        history, steps, best_epoch = history + trained.history, trained.steps, trained.best_epoch
    return history, best_epoch


def stage_of(pipeline: Pipeline, index: int, first_step: int, checkpoints: Path, **onlookers: Any) -> Stage:
    """What the method at ``index`` needs to know of its place in the run; ``onlookers`` are further fields."""
    method = pipeline.train[index]
    return Stage(
        name=method.type if len(pipeline.train) == 1 else f"{index + 1}-{method.type}",
        index=index,
        seed=pipeline.seed,
        batch_size=pipeline.data.batch_size,
        first_step=first_step,
        checkpoints=checkpoints,
        checkpointing=pipeline.checkpoint,
        **onlookers,
    )


def steps_of(method: Method, splits: Splits, batch_size: int) -> int:
    """Steps that one pass over the examples takes, over all, or over as many as the method is for."""
    examples: int | None = dict(method).get("examples")
    if examples is None:
        return steps_of_all(splits, batch_size)
    return -(-min(examples, len(splits.train)) // batch_size)


def steps_of_all(splits: Splits, batch_size: int) -> int:
    """Steps of one pass over all examples."""
    groups = splits.train.groups if splits.signature.is_padded else (range(len(splits.train)),)
    return sum(-(-len(group) // batch_size) for group in groups)


def shapes_of(splits: Splits) -> int:
    """How many shapes the batches of train have."""
    return max(len(splits.train.groups), 1) if splits.signature.is_padded else 1


def chosen_of(pipeline: Pipeline, method: Method, model: keras.Model, splits: Splits) -> Chosen | None:
    """How a stage is compiled and carried out; None of one that does not descend."""
    from kpipe.training.loop.chosen import chosen_for

    return chosen_for(model, method, steps_of(method, splits, pipeline.data.batch_size), shapes_of(splits))


def engine_words(pipeline: Pipeline, model: keras.Model, splits: Splits) -> tuple[str, ...]:
    """How the stages are compiled and carried out, and why; what holds for several stages once; whose kernels."""
    from kpipe.kernels.take import takes_kernels, words_of

    found = [chosen_of(pipeline, method, model, splits) for method in pipeline.train]
    kernels = words_of(model) if takes_kernels(model) else {}
    told = [f"{layers}: {words}" for layers, words in kernels.items()]
    return (*dict.fromkeys(chosen.words for chosen in found if chosen), *told)
