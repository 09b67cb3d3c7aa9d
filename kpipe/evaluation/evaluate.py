"""Evaluate: the YAML's ``evaluate`` section, and the functions that carry it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from kpipe.errors import Diverged, MissingExtra, WrongInput
from kpipe.evaluation.evidence import Evidence, Metric, Plot, Row
from kpipe.examples import Examples
from kpipe.signature import Kind, Signature, Task
from kpipe.spec.mistake import Problem, dotted
from kpipe.spec.one_of import OneOf, components
from kpipe.spec.spec import Spec, Tuple, refuse

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

METRICS, PLOTS = "kpipe.evaluation.metrics", "kpipe.evaluation.plots"
INSTALL = "pip install 'kpipe[text]'"


class Evaluate(Spec):
    """Which metrics are computed and which pictures drawn on the test split after training."""

    metrics: Tuple[Annotated[Metric, OneOf(METRICS)]] | None = Field(
        None, description="metrics by name; by default all that fit the task"
    )
    plots: Tuple[Annotated[Plot, OneOf(PLOTS)]] | None = Field(
        None, description="pictures by name; by default all that fit the task and the input"
    )

    @model_validator(mode="after")
    def _pictures_differ(self) -> Evaluate:
        names = [plot.type for plot in self.plots or ()]
        twice = [position for position, name in enumerate(names) if name in names[:position]]
        if twice:
            hint = "a picture is kept under its name: take one out"
            raise refuse(*(Problem(("plots", at), f"`{names[at]}` is named twice", hint) for at in twice))
        return self

    def misfits(self, task: Task | None, kind: Kind | None) -> list[Problem]:
        """What is named here but does not fit the data's task or kind of input; None is not known yet and fits."""
        problems = []
        for section, package in (("metrics", METRICS), ("plots", PLOTS)):
            fitting = ", ".join(name for name, choice in components(package).items() if fits(choice, task, kind))
            for position, chosen in enumerate(getattr(self, section) or ()):
                if not fits(type(chosen), task, kind):
                    given = f"{kind} inputs" if fits(type(chosen), task, None) else f"the task {task}"
                    message = f"`{chosen.type}` does not fit {given}"
                    problems.append(Problem(("evaluate", section, position), message, f"{section} that fit: {fitting}"))
        return problems

    def require_fit(self, signature: Signature) -> None:
        """Raises: WrongInput: something named here does not fit the data, now that it is loaded. MissingExtra: a metric
        named here needs a package that is not installed."""
        if problems := self.misfits(signature.target.task, kind_of(signature)):
            lines = [f"{dotted(problem.path)}: {problem.message}" for problem in problems]
            raise WrongInput("\n".join(lines), "\n".join(dict.fromkeys(problem.hint for problem in problems)))
        for position, metric in enumerate(self.metrics or ()):
            if missing := metric.missing():
                where = dotted(("evaluate", "metrics", position))
                raise MissingExtra(f"{where}: `{metric.type}` needs {missing}, which is not installed", INSTALL)

    def measure(self, evidence: Evidence) -> dict[str, float]:
        """The metrics' values by name, in alphabetical order of the metrics or in the order written."""
        values: dict[str, float] = {}
        for metric in self.chosen_metrics(evidence.signature):
            values |= metric.compute(evidence)
        return values

    def left_out(self, evidence: Evidence) -> dict[str, str]:
        """The values that are not defined on this evidence, each with the reason."""
        reasons: dict[str, str] = {}
        for metric in self.chosen_metrics(evidence.signature):
            reasons |= metric.left_out(evidence)
        if self.metrics is None:
            for metric in all_fitting(METRICS, evidence.signature):
                if missing := metric.missing():
                    reasons[metric.type] = f"{missing} is not installed: {INSTALL}"
        return reasons

    def draw(self, evidence: Evidence) -> Iterator[tuple[str, Figure]]:
        """The pictures by name, one after the other; those with nothing to show are passed over."""
        for plot in self.chosen_plots(evidence.signature):
            figure = plot.draw(evidence)
            if figure is not None:
                yield plot.type, figure

    def chosen_metrics(self, signature: Signature) -> Sequence[Metric]:
        if self.metrics is not None:
            return self.metrics
        return [metric for metric in all_fitting(METRICS, signature) if not metric.missing()]

    def chosen_plots(self, signature: Signature) -> Sequence[Plot]:
        return all_fitting(PLOTS, signature) if self.plots is None else self.plots


def gather(
    model: keras.Model,
    split: Examples,
    signature: Signature,
    split_name: str = "test",
    batch_size: int = 64,
    history: tuple[Row, ...] = (),
    generate: Callable[[], Sequence[str]] | None = None,
) -> Evidence:
    """Runs the model once over a split that holds targets, and puts its outputs beside the truth.

    ``generate`` decodes the text of every example of the split; it is called when a metric or picture asks for it.

    Raises: WrongInput: no examples, or no targets. Diverged: outputs that are not numbers.
    """
    import numpy as np

    from kpipe.evaluation.forward import example_losses, parts, predict, predict_steps, probabilities

    target = signature.target
    lengths = losses = None
    if not len(split):
        raise WrongInput(f"there are no {split_name} examples to evaluate on")
    if target.is_per_step:
        outputs, targets, losses, lengths = predict_steps(model, split, signature, batch_size)
    else:
        outputs, targets = predict(model, split, signature, batch_size)
    if targets is None:
        raise WrongInput(f"the {split_name} examples have no targets, so there is nothing to compare with")
    seen = outputs if losses is None else losses
    if not all(np.isfinite(seen[some]).all() for some in parts(seen)):
        raise Diverged(
            f"the model's outputs on the {split_name} examples are not all finite numbers",
            "its weights are broken: train again with a lower learning rate, or in float32",
        )
    if losses is None:
        losses = example_losses(outputs, targets, target.task)
        outputs = probabilities(outputs, target.task)
    return Evidence(
        signature, split_name, split, targets, outputs, losses, model, tuple(history), lengths, generate
    )  # fmt: skip


def title(plot: str) -> str:
    """A picture's title by its name."""
    found: Any = components(PLOTS)[plot]
    return str(found.title)


def kind_of(signature: Signature) -> Kind:
    return signature.inputs[0].kind


def fits(choice: Any, task: Task | None, kind: Kind | None) -> bool:
    """Whether a metric's or picture's class fits; a metric looks at no input and fits every kind."""
    return (task is None or task in choice.tasks) and (kind is None or kind in getattr(choice, "kinds", {kind}))


def all_fitting(package: str, signature: Signature) -> list[Any]:
    task, kind = signature.target.task, kind_of(signature)
    return [choice() for choice in components(package).values() if fits(choice, task, kind)]  # type: ignore[call-arg]
