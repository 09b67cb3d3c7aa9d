"""Pipeline: all the sections of a YAML file, and the checks that cross them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationInfo, model_validator

from kpipe.backend import FASTEST, Precision, Wish, tensorflow_hidden
from kpipe.data.path import ELSEWHERE
from kpipe.data.source import Source
from kpipe.decoding.decoding import Decoding
from kpipe.decoding.greedy import Greedy
from kpipe.devices import Devices, uneven
from kpipe.evaluation.evaluate import INSTALL, METRICS, Evaluate, fits, gather
from kpipe.evaluation.evidence import Metric
from kpipe.evaluation.expect import Bounds, require_outputs, wrong_expectations
from kpipe.models.architecture import Architecture
from kpipe.spec.check import checked
from kpipe.spec.document import document_of
from kpipe.spec.mistake import Problem
from kpipe.spec.one_of import OneOf, components
from kpipe.spec.override import override
from kpipe.spec.spec import Component, OrOne, Spec, Tuple, refuse
from kpipe.spec.yaml import dump
from kpipe.training.checkpointing import Checkpointing
from kpipe.training.method import Method
from kpipe.tuning.axes import axes_of
from kpipe.tuning.grid import Grid
from kpipe.tuning.hyperband import Hyperband
from kpipe.tuning.misfits import misfits
from kpipe.tuning.objective import wrong_objective
from kpipe.tuning.search import Search
from kpipe.tuning.space import Axis, Choices
from kpipe.tuning.what_if import WhatIf, filled, place_of

if TYPE_CHECKING:
    import keras

    from kpipe.data.splits import Split, Splits
    from kpipe.evaluation.evidence import Evidence
    from kpipe.signature import Signature
    from kpipe.training.method import Epoch


class Track(Spec):
    """Where the run is recorded in MLflow; the server is MLFLOW_TRACKING_URI, or the local store in ``mlruns/``."""

    experiment: str | None = Field(
        None, min_length=1, max_length=250, description="the MLflow experiment; by default the pipeline's name"
    )
    tags: dict[str, str] = Field({}, description="tags put on the MLflow run, beside kpipe's own")


class Pipeline(Spec):
    """A deep-learning pipeline: data, model, training, evaluation and tracking."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100, description="the pipeline's name")
    backend: Wish | None = Field(
        None,
        description="--backend, then KERAS_BACKEND, then this, then the first installed; fastest: `kpipe bench` says",
    )
    precision: Precision = Field("float32", description="of computing; mixed_* keeps float32 weights")
    threads: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="of the CPU to compute with, by default all; decides the last digits of results",
    )
    devices: Devices = Field(
        1, description="that share each batch in training, or `all`; on a CPU, virtual ones to try it out"
    )
    kernels: Literal["auto", "keras"] = Field(
        "auto", description="auto: on PyTorch, layers and Adam compute by its own fast kernels; keras: as Keras does"
    )
    seed: int = Field(0, ge=0, lt=2**32, description="of weights, splits, batch order and every random layer")
    data: Annotated[Source, OneOf("kpipe.data")] = Field(description="where the data comes from")
    model: Annotated[Architecture, OneOf("kpipe.models")] = Field(description="the network")
    train: Annotated[Tuple[Annotated[Method, OneOf("kpipe.training")]], OrOne()] = Field(
        min_length=1, description="a training method, or a list of stages"
    )
    checkpoint: Checkpointing = Field(Checkpointing(), description="when the run is saved, so that it can go on")
    decode: Annotated[Decoding, OneOf("kpipe.decoding")] = Field(
        Greedy(), description="how text is produced, where the model produces text"
    )
    evaluate: Evaluate = Field(Evaluate(), description="metrics and pictures")
    expect: dict[str, Bounds] = Field(
        {}, description="what metrics have to be, as `test.accuracy: {min: 0.97}`; `kpipe run` exits 1 if they are not"
    )
    tune: Annotated[Search, OneOf("kpipe.tuning")] | None = Field(
        None, description="the search of `kpipe tune`; `kpipe run` leaves it aside"
    )
    track: Track = Field(Track(), description="the record in MLflow")

    @model_validator(mode="after")
    def _sections_fit(self) -> Pipeline:
        problems = [*self.evaluate.misfits(self.model.learns(self.data.task), self.data.kind)]
        problems += self._methods_without_what_they_need()
        problems += self._sections_without_effect()
        problems += wrong_expectations(self.expect, *self._values_of_evaluation()) if self.expect else ()
        if self.devices != "all" and (wrong := uneven(self.data.batch_size, self.devices)):
            problems.append(Problem(("data", "batch_size"), *wrong))
        for problem in self.model.misfits(self.data.kind, self.data.task):
            fitting = [
                name
                for name, model in components("kpipe.models").items()
                if issubclass(model, Architecture) and model.fits(self.data.kind, self.data.task)
            ]
            hint = problem.hint or f"models that fit: {', '.join(fitting) or 'none'}"
            problems.append(Problem(("model", *problem.path), problem.message, hint))
        if problems:
            raise refuse(*problems)
        return self

    def _methods_without_what_they_need(self) -> Iterator[Problem]:
        for position, method in enumerate(self.train):
            if missing := method.needs - self.model.offers:
                fitting = [name for name, model in components("kpipe.models").items() if method.needs <= offered(model)]
                words = " and ".join(PARTS[part] for part in sorted(missing))
                message = f"`{method.type}`, as it is set here, needs a model {words}: `{self.model.type}` is none"
                yield Problem(("train", position), message, f"models that fit: {', '.join(fitting) or 'none'}")

    def _sections_without_effect(self) -> Iterator[Problem]:
        task = self.model.learns(self.data.task)
        last = len(self.train) - 1
        if not self.train[last].learns_target and task not in (None, "reconstruction"):
            message = f"`{self.train[last].type}` comes last and does not train the model's answers ({task})"
            yield Problem(("train", last), message, "let `{type: fit}` come after it")
        if self.decode != Greedy() and task not in (None, "text", "next_token"):
            message = f"`{self.decode.type}` says how text is produced, but the model learns {task}"
            yield Problem(("decode",), message, "remove it")

    @model_validator(mode="after")
    def _search_fits(self, info: ValidationInfo) -> Pipeline:
        if self.tune is not None and info.context != ELSEWHERE:
            problems = list(self._misfits_of_search(self.tune))
            if problems:
                raise refuse(*problems)
        return self

    def _misfits_of_search(self, search: Search) -> Iterator[Problem]:
        what_if = WhatIf(Pipeline, written(self, search.space))
        for found in misfits(what_if, search.space, countable=isinstance(search, Grid)):
            key = None if found.key is None else ("tune", "space", *found.key)
            yield Problem(("tune", "space", *found.path), found.message, found.hint, key)
        backends = search.space.get("backend")
        for position, choice in enumerate(backends.choices if isinstance(backends, Choices) else ()):
            if choice == FASTEST:
                message = "each backend is tried in this search: `fastest` is not one of them"
                hint = "name the backends; or take it out of the space, and write `backend: fastest` above"
                yield Problem(("tune", "space", "backend", "choices", position), message, hint)
        given, elsewhere = self._values_of_evaluation()
        if wrong := wrong_objective(search, given, elsewhere):
            yield wrong
        last = len(self.train) - 1
        if "epochs" not in type(self.train[last]).model_fields and (
            isinstance(search, Hyperband) or search.median_rule
        ):
            message = f"`{self.train[last].type}` comes last and has no epochs, after which trials are compared"
            yield Problem(("train", last), message, "search without hyperband and median_rule")
        for path in search.space if isinstance(search, Hyperband) else ():
            if place_of(what_if.root, path) == place_of(what_if.root, f"train.{last}.epochs"):
                here = ("tune", "space", path)
                message = "hyperband itself says how many epochs each trial is trained"
                yield Problem(here, message, "remove it: `tune.max_epochs` is the most", here)

    def _values_of_evaluation(self) -> tuple[list[str], dict[str, str]]:
        """The names of what evaluation gives; and of what it would, each with what is to be done for it."""
        task = self.model.learns(self.data.task)
        fitting = [found() for found in components(METRICS).values() if fits(found, task, None)]  # type: ignore[call-arg]
        metrics = [metric for metric in fitting if isinstance(metric, Metric)]
        chosen = self.evaluate.metrics
        if chosen is None:
            chosen = tuple(metric for metric in metrics if not metric.missing())
        missing = {metric.type: INSTALL for metric in metrics if metric.missing()}
        elsewhere = {
            name: missing.get(metric.type, f"add `{metric.type}` to `evaluate.metrics`")
            for metric in metrics
            for name in metric.produces(task)
        }
        return [name for metric in chosen for name in metric.produces(task)], elsewhere


PARTS = {"stack": "made of autoencoders", "teacher_forcing": "that can be trained on its own tokens"}
"""What a training method may need of a model, in words."""


def offered(model: type[Component]) -> frozenset[str]:
    return model.offers if issubclass(model, Architecture) else frozenset()


def load_splits(pipeline: Pipeline) -> Splits:
    """Loads the data and refuses what does not fit it, before an engine is started or a run is recorded."""
    return fitted(pipeline, pipeline.data.load(pipeline.seed))


def fitted(pipeline: Pipeline, splits: Splits) -> Splits:
    """The data as this pipeline's model takes it. Raises: WrongInput: model, training or evaluation does not fit it."""
    pipeline.model.check(splits.signature)
    splits = replace(splits, signature=pipeline.model.adapt(splits.signature))
    for method in pipeline.train:
        method.check(splits.signature)
    pipeline.evaluate.require_fit(splits.signature)
    require_outputs(pipeline.expect, splits.signature.target.names)
    return splits


def build(pipeline: Pipeline, signature: Signature, most: int | None = None) -> keras.Model:
    """The network for this data, on the backend in use, with the same initial weights on each.

    (Keras's Bidirectional would import TensorFlow on the others.)

    Raises: WrongInput: the data does not fit, or the network has more than ``most`` numbers.
    """
    from kpipe.initial_weights.keyed import keyed
    from kpipe.kernels.take import take_kernels

    with tensorflow_hidden(), keyed(pipeline.seed, most):
        model = pipeline.model.build(signature)
    if pipeline.kernels == "auto":
        take_kernels(model)
    return model


def examine(
    pipeline: Pipeline,
    model: keras.Model,
    split: Split,
    signature: Signature,
    split_name: str,
    history: tuple[Epoch, ...] = (),
) -> Evidence:
    """The model's outputs on a split beside the truth; text is decoded as the pipeline says, when it is asked for."""
    batch_size = pipeline.data.batch_size
    generate = partial(pipeline.decode.texts, model, split, signature, batch_size, pipeline.seed)
    return gather(model, split, signature, split_name, batch_size, history, generate)


def written(pipeline: Pipeline, paths: Iterable[str]) -> dict[str, Any]:
    """What is set in a pipeline, without its search, and with the defaults into which the paths lead."""
    effective = pipeline.model_dump(mode="json", exclude={"tune"})
    set_in_it = pipeline.model_dump(mode="json", exclude={"tune"}, exclude_unset=True)
    if len(pipeline.train) == 1:
        effective["train"], set_in_it["train"] = effective["train"][0], set_in_it["train"][0]
    return filled(set_in_it, effective, paths)


def axes(pipeline: Pipeline) -> tuple[Axis, ...]:
    """What is searched; what a ``when`` names stands before those that depend on it."""
    if pipeline.tune is None:
        return ()
    return axes_of(WhatIf(Pipeline, written(pipeline, pipeline.tune.space)), pipeline.tune.space)


def with_values(pipeline: Pipeline, values: Mapping[str, Any]) -> Pipeline:
    """The pipeline of a trial: without a search, and with these values, by path.

    Raises: SpecError: they do not go together.
    """
    return checked(Pipeline, document_of(override(written(pipeline, values), values)))


def effective_yaml(pipeline: Pipeline) -> str:
    """The pipeline with every default, as YAML that reads back to an equal one; paths are absolute."""
    return dump(pipeline.model_dump(mode="json", exclude={"tune"} if pipeline.tune is None else None))
