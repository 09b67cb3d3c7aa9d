"""PerOutput: what metrics with a value for each class, label or value have in common."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from kpipe.evaluation.evidence import Evidence, Metric
from kpipe.signature import Task

if TYPE_CHECKING:
    import numpy as np


class PerOutput(Metric):
    """A metric for each of the model's outputs, and their plain mean; an output without a score is left out of both."""

    average: ClassVar[str]
    """the name of the mean"""

    def produces(self, task: Task | None) -> tuple[str, ...]:  # noqa: ARG002
        return (self.average, f"{self.type}/*")

    @abstractmethod
    def scores(self, evidence: Evidence) -> np.ndarray:
        """A score for each output (outputs,); those of ``undefined`` are not looked at."""

    @abstractmethod
    def undefined(self, evidence: Evidence) -> dict[int, str]:
        """The outputs without a score, by position, each with the reason."""

    @abstractmethod
    def singly(self, evidence: Evidence) -> bool:
        """Whether each output's value is given beside the mean."""

    def unlisted(self, evidence: Evidence) -> dict[int, str]:  # noqa: ARG002
        """Outputs that count in the mean but have no value of their own."""
        return {}

    def compute(self, evidence: Evidence) -> dict[str, float]:
        missing = self.undefined(evidence)
        defined = [position for position in range(len(evidence.names)) if position not in missing]
        if not defined:
            return {}
        scores = self.scores(evidence)
        values = {self.average: float(scores[defined].mean())}
        if self.singly(evidence):
            names, hidden = metric_names(self.type, evidence.names), self.unlisted(evidence)
            values |= {names[position]: float(scores[position]) for position in defined if position not in hidden}
        return values

    def left_out(self, evidence: Evidence) -> dict[str, str]:
        missing = self.undefined(evidence)
        names = metric_names(self.type, evidence.names)
        reasons = {self.average: "there is nothing to take the mean of"} if len(missing) == len(names) else {}
        if self.singly(evidence):
            reasons |= {names[position]: reason for position, reason in (missing | self.unlisted(evidence)).items()}
        return reasons


class PerClass(PerOutput):
    """A metric for each class or label, and their mean. A class that the split has no example of has no score."""

    tasks: ClassVar[frozenset[Task]] = frozenset({"classes", "labels", "tags"})

    per_class: bool = Field(True, description="true: a value for each class beside their mean; false: the mean alone")

    def produces(self, task: Task | None) -> tuple[str, ...]:
        return super().produces(task) if self.per_class else (self.average,)

    def singly(self, evidence: Evidence) -> bool:  # noqa: ARG002
        return self.per_class

    def undefined(self, evidence: Evidence) -> dict[int, str]:
        return {
            position: f"no {evidence.split_name} example is {evidence.names[position]}"
            for position, count in enumerate(evidence.truth.sum(axis=0))
            if count == 0
        }


class PerValue(PerOutput):
    """A metric for each value, and their mean; a single value has the mean's name."""

    tasks: ClassVar[frozenset[Task]] = frozenset({"values", "forecast", "reconstruction"})

    def produces(self, task: Task | None) -> tuple[str, ...]:
        return (self.average,) if task == "reconstruction" else super().produces(task)

    def singly(self, evidence: Evidence) -> bool:
        return len(evidence.names) > 1 and evidence.task != "reconstruction"

    def undefined(self, evidence: Evidence) -> dict[int, str]:  # noqa: ARG002
        return {}


def as_rows(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """Targets and outputs with all axes but the last as one (..., num_values): pixels and steps count as examples."""
    count = len(evidence.names)
    return evidence.targets.reshape(-1, count), evidence.outputs.reshape(-1, count)


def answers(evidence: Evidence) -> dict[str, Any]:
    """scikit-learn's arguments for a score of each class or label; a single label is asked for as its class 1."""
    single = evidence.task == "labels" and len(evidence.names) == 1
    return {
        "y_true": evidence.targets.ravel() if single else evidence.targets,
        "y_pred": evidence.predicted.ravel() if single else evidence.predicted,
        "labels": [1] if single else range(len(evidence.names)),
        "average": None,
        "zero_division": 0.0,
    }


def metric_names(prefix: str, outputs: tuple[str, ...]) -> tuple[str, ...]:
    """``("f1", ("7", "a/b")) -> ("f1/7", "f1/a_b")``: what MLflow allows; two that fall together are numbered."""
    cleaned = [re.sub(r"[^A-Za-z0-9_\-. :]", "_", name).strip(" .")[:200] or "_" for name in outputs]
    twice = Counter(cleaned)
    return tuple(
        f"{prefix}/{name}" if twice[name] == 1 else f"{prefix}/{name}:{position}"
        for position, name in enumerate(cleaned)
    )
