"""Trained: a pipeline trained and evaluated in this process, unrecorded: for notebooks, and to try a thing."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpipe import backend
from kpipe.bench import fastest
from kpipe.errors import DataError, WrongInput
from kpipe.pipeline import Pipeline, build, examine, load_splits
from kpipe.results import headline
from kpipe.serving import Predictor
from kpipe.spec.check import checked
from kpipe.spec.document import document_of, read
from kpipe.stages import train as carry_out

if TYPE_CHECKING:
    import keras

    from kpipe.answers import Record
    from kpipe.evaluation.evidence import Evidence

logger = logging.getLogger("kpipe")

Given = Pipeline | Mapping[str, Any] | Path | str
"""A YAML file, or the same as a mapping or as a checked Pipeline."""


@dataclass(frozen=True, repr=False)
class Trained:
    """A model, what it says of the test split, and how good that is."""

    predictor: Predictor
    evidence: Evidence
    """of the test split: the outputs beside the truth, with the curves of the training as ``history``"""
    metrics: Mapping[str, float]

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name} {value:.4f}" for name, value in headline(self.metrics).items())
        return f"Trained({self.predictor.pipeline.name}: {numbers})"

    @property
    def model(self) -> keras.Model:
        return self.predictor.model

    def answers(self, given: Sequence[Any]) -> list[Record]:
        """A record for each raw input, prepared as in training. Raises: DataError: it cannot be prepared."""
        if isinstance(given, str):
            raise DataError("one text is no list of texts", f"write [{given[:20]!r}]")
        if hasattr(given, "__len__") and not len(given):
            return []
        with backend.silenced():
            return self.predictor.answers(self.predictor.preparation.prepare(given))


def train(pipeline: Given, overrides: Sequence[str] = (), option: str | None = None) -> Trained:
    """See ``kpipe.train``."""
    pipeline = pipeline_of(pipeline, overrides)
    if pipeline.devices != 1:
        raise WrongInput(f"devices: {pipeline.devices} of them train in `kpipe run`", "leave it out here")
    if any(override.startswith("backend=") for override in overrides):
        option = option or pipeline.backend  # what is asked for here goes before KERAS_BACKEND
    asked = fastest.asked(option, pipeline.backend)
    splits = load_splits(pipeline)
    chosen = fastest.chosen(asked, pipeline, splits, logger.info)
    pipeline = chosen.put_into(pipeline)
    backend.use(chosen.backend, pipeline.precision, pipeline.seed, pipeline.threads)
    # of several models in one process it warns as of a mistake
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with backend.silenced(), tempfile.TemporaryDirectory() as checkpoints:
        model = build(pipeline, splits.signature)
        history, _ = carry_out(pipeline, model, splits, Path(checkpoints), [])
        evidence = examine(pipeline, model, splits.test, splits.signature, "test", history)
        metrics = pipeline.evaluate.measure(evidence)
    return Trained(Predictor(pipeline, splits.signature, splits.preparation, model), evidence, metrics)


def pipeline_of(given: Given, overrides: Sequence[str] = ()) -> Pipeline:
    """The checked pipeline, with ``overrides`` as ``--set`` takes them. Raises: SpecError; WrongInput."""
    if not isinstance(given, Pipeline | Mapping | Path | str):
        raise WrongInput(f"a pipeline is a YAML file, a mapping or a Pipeline, not {given!r:.60}")
    if isinstance(overrides, str) or not all(isinstance(override, str) for override in overrides):
        raise WrongInput(f"overrides are a list of texts, not {overrides!r:.60}", 'write ["train.epochs=1"]')
    if isinstance(given, Pipeline):
        if overrides:
            raise WrongInput("a checked pipeline takes no overrides", "give the YAML file, or a mapping")
        return given
    document = document_of(given, overrides=overrides) if isinstance(given, Mapping) else read(given, overrides)
    return checked(Pipeline, document)
