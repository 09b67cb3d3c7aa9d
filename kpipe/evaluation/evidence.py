"""Evidence: everything a metric or a picture may look at. Metric, Plot: what these have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, Protocol, get_args

from kpipe.examples import Examples
from kpipe.signature import Kind, Signature, Task
from kpipe.spec.spec import Component

if TYPE_CHECKING:
    import keras
    import numpy as np
    from matplotlib.figure import Figure


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

    ``outputs`` are probabilities (examples, num_classes | num_labels), or values, forecasts and reconstructions of
    the target's shape in its unit; ``targets`` are class indices (examples,), 0/1 (examples, num_labels) or numbers.
    ``losses`` is the loss of each example (examples,).

    Where there is an answer for each step, all three go over the steps of all examples, one example after the other,
    and ``lengths`` holds the steps of each: ``outputs`` are probabilities (steps, num_tags), or of text and next_token
    the most probable token (steps,), ``targets`` (steps,) and ``losses`` (steps,). ``generate`` decodes the text of
    every example, with nothing but the inputs.
    """

    signature: Signature
    split_name: str
    split: Examples
    targets: np.ndarray
    outputs: np.ndarray
    losses: np.ndarray
    model: keras.Model
    history: tuple[Row, ...] = ()
    lengths: np.ndarray | None = None
    generate: Callable[[], Sequence[str]] | None = None

    def __len__(self) -> int:
        return len(self.split)

    @property
    def task(self) -> Task:
        return self.signature.target.task

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes, labels or values."""
        return self.signature.target.names

    @cached_property
    def predicted(self) -> np.ndarray:
        """classes, tags: the most probable; labels: 0/1, 1 from probability 0.5 on; others: the outputs."""
        import numpy as np

        if self.task in ("classes", "tags"):
            return np.asarray(self.outputs.argmax(axis=1))
        return np.asarray(self.outputs >= 0.5, "int32") if self.task == "labels" else self.outputs

    @cached_property
    def truth(self) -> np.ndarray:
        """classes, tags and labels: 0/1 (examples | steps, num_classes | num_labels); others: the targets."""
        if self.task not in ("classes", "tags"):
            return self.targets
        import numpy as np

        return np.asarray(np.arange(len(self.names)) == self.targets[:, None], "int32")

    @cached_property
    def offsets(self) -> np.ndarray:
        """Where the steps of each example begin, and the last ends (examples + 1,)."""
        import numpy as np

        assert self.lengths is not None
        return np.concatenate([[0], np.cumsum(self.lengths)])

    def steps_of(self, position: int) -> slice:
        """The place of an example's steps in ``outputs``, ``targets`` and ``losses``."""
        return slice(int(self.offsets[position]), int(self.offsets[position + 1]))

    @cached_property
    def example_losses(self) -> np.ndarray:
        """The mean loss of each example (examples,); of one without steps 0."""
        if self.lengths is None:
            return self.losses
        import numpy as np

        sums = np.add.reduceat(np.append(self.losses, 0.0), self.offsets[:-1])
        return np.where(self.lengths > 0, sums / np.maximum(self.lengths, 1), 0.0)

    @cached_property
    def generated(self) -> tuple[str, ...]:
        """The text generated for each example, from its inputs alone."""
        assert self.generate is not None
        return tuple(self.generate())

    @cached_property
    def references(self) -> tuple[str, ...]:
        """The text that each example has as its target, as its vocabulary reads it: a token that train does not have
        stands as a mark that no model writes."""
        vocabulary = self.signature.target.vocabulary
        assert vocabulary is not None
        return tuple(vocabulary.reference(self.targets[self.steps_of(position)]) for position in range(len(self)))

    def source(self, position: int) -> str:
        """The text that goes in."""
        import numpy as np

        feature = self.signature.input
        assert feature.vocabulary is not None
        return feature.vocabulary.decode(self.split.take(np.array([position]))[feature.name][0])


class Metric(Component):
    """A number, or several, from evidence."""

    tasks: ClassVar[frozenset[Task]]
    packages: ClassVar[tuple[str, ...]] = ()
    """what it needs of kpipe's extra `text`, by the names that are imported"""

    @classmethod
    def missing(cls) -> str:
        """The package that it needs and that is not installed; "" where none is missing."""
        return next((name for name in cls.packages if find_spec(name) is None), "")

    def produces(self, task: Task | None) -> tuple[str, ...]:  # noqa: ARG002
        """The names of the values that it gives; ``f1/*`` are those of classes or columns. None is not known yet."""
        return (self.type,)

    @abstractmethod
    def compute(self, evidence: Evidence) -> dict[str, float]:
        """The metric's values by name, e.g. ``{"accuracy": 0.98}``; a value that is not defined is left out."""

    def left_out(self, evidence: Evidence) -> dict[str, str]:  # noqa: ARG002
        """The names of values that this evidence leaves undefined, each with the reason."""
        return {}


class Plot(Component):
    """A picture from evidence."""

    tasks: ClassVar[frozenset[Task]]
    kinds: ClassVar[frozenset[Kind]] = frozenset(get_args(Kind))
    title: ClassVar[str]

    @abstractmethod
    def draw(self, evidence: Evidence) -> Figure | None:
        """The picture, or None when this evidence has nothing to draw (say, no mistakes)."""
