"""Evidence: everything a metric or a picture may look at. Metric, Plot: what these have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Protocol

from kpipe.signature import Kind, Signature, Task
from kpipe.spec.spec import Component

if TYPE_CHECKING:
    import keras
    import numpy as np
    from matplotlib.figure import Figure


class Examples(Protocol):
    """What evaluation asks of a split."""

    def __len__(self) -> int: ...

    def take(self, indices: np.ndarray) -> Mapping[str, np.ndarray]: ...


class Row(Protocol):
    """What evaluation asks of an epoch of the learning curves."""

    @property
    def stage(self) -> str: ...

    @property
    def epoch(self) -> int: ...

    @property
    def step(self) -> int: ...

    @property
    def learning_rate(self) -> float: ...

    @property
    def logs(self) -> Mapping[str, float]: ...


@dataclass(frozen=True)
class Evidence:
    """A trained model's outputs on one split, beside the truth.

    ``outputs`` are probabilities (examples, num_classes | num_labels) or values (examples, num_values) in the
    target's unit; ``targets`` are class indices (examples,), 0/1 (examples, num_labels) or values (examples,
    num_values). ``losses`` is the loss of each example (examples,).
    """

    signature: Signature
    split_name: str
    split: Examples
    targets: np.ndarray
    outputs: np.ndarray
    losses: np.ndarray
    model: keras.Model
    history: tuple[Row, ...] = ()

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def task(self) -> Task:
        return self.signature.target.task

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes, labels or values."""
        return self.signature.target.names

    @cached_property
    def predicted(self) -> np.ndarray:
        """classes: the most probable (examples,); labels: 0/1, 1 from probability 0.5 on; values: the outputs."""
        import numpy as np

        if self.task == "classes":
            return np.asarray(self.outputs.argmax(axis=1))
        return np.asarray(self.outputs >= 0.5, "int32") if self.task == "labels" else self.outputs

    @cached_property
    def truth(self) -> np.ndarray:
        """classes and labels: 0/1 (examples, num_classes | num_labels); values: the targets."""
        if self.task != "classes":
            return self.targets
        import numpy as np

        return np.asarray(np.arange(len(self.names)) == self.targets[:, None], "int32")


class Metric(Component):
    """A number, or several, from evidence."""

    tasks: ClassVar[frozenset[Task]]

    @abstractmethod
    def compute(self, evidence: Evidence) -> dict[str, float]:
        """The metric's values by name, e.g. ``{"accuracy": 0.98}``; a value that is not defined is left out."""

    def left_out(self, evidence: Evidence) -> dict[str, str]:  # noqa: ARG002
        """The names of values that this evidence leaves undefined, each with the reason."""
        return {}


class Plot(Component):
    """A picture from evidence."""

    tasks: ClassVar[frozenset[Task]]
    kinds: ClassVar[frozenset[Kind]] = frozenset({"image", "vector"})
    title: ClassVar[str]

    @abstractmethod
    def draw(self, evidence: Evidence) -> Figure | None:
        """The picture, or None when this evidence has nothing to draw (say, no mistakes)."""
