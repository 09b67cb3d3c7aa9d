"""Method: what every way of training has in common, and what it hands back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from kpipe.errors import WrongInput
from kpipe.examples import Examples
from kpipe.parts import Stack, parts_of
from kpipe.signature import Signature
from kpipe.spec.spec import Component
from kpipe.training.checkpointing import Checkpointing

if TYPE_CHECKING:
    import keras

    from kpipe.training.loop.batches import ShuffledBatches

Logs = Mapping[str, float]
"""Metrics by name; those of the validation split begin with ``val_``."""


class Watcher(Protocol):
    """Somebody who looks on while a stage is trained: the progress line, the tracker."""

    def on_stage(self, stage: str, epochs: int, steps: int) -> None:
        """A stage begins or goes on; ``steps`` is the number in an epoch."""

    def on_resume(self, rows: Sequence[Epoch]) -> None:
        """The stage goes on from a checkpoint, which has these epochs."""

    def on_step(self, epoch: int, step: int, logs: Logs) -> None:
        """A step has ended (both count from 1); ``logs`` holds running means over the epoch so far."""

    def on_epoch(self, row: Epoch) -> None:
        """An epoch has ended."""


class Rehearsal(Protocol):
    """Somebody who takes a stage's first steps himself, to see what each of them gives: ``kpipe parity``."""

    def __call__(
        self, stage: Stage, model: keras.Model, batches: ShuffledBatches, begin_epoch: Callable[[int], None]
    ) -> int:
        """The model is compiled and ready for the first of the batches; returns how many steps it has taken."""


@dataclass(frozen=True)
class Epoch:
    """One line of the learning curves."""

    stage: str
    epoch: int
    """from 1"""
    step: int
    """steps done since the run began, over all stages"""
    seconds: float
    examples_per_second: float
    learning_rate: float
    logs: Logs


@dataclass(frozen=True)
class Stage:
    """What a method needs to know of its place in the run."""

    name: str
    index: int
    seed: int
    batch_size: int
    first_step: int
    """steps done by the stages before"""
    checkpoints: Path
    """the run's folder for checkpoints; a checkpoint of this stage found there is gone on from"""
    watchers: tuple[Watcher, ...] = ()
    rehearse: Rehearsal | None = None
    """looks at the first steps, and nothing else is done"""
    part: int = 0
    """of a stage that trains several things one after the other: which, from 1; 0 is the stage as a whole"""
    checkpointing: Checkpointing = field(default_factory=Checkpointing)

    @property
    def place(self) -> int | str:
        """What tells it from every other in seeds and checkpoints: ``1``, or ``1.2`` of a part."""
        return f"{self.index}.{self.part}" if self.part else self.index


@dataclass(frozen=True)
class Trained:
    """What a stage hands back; the model itself carries the weights."""

    history: tuple[Epoch, ...]
    best_epoch: int
    """from 1; the epoch whose weights the model has now"""
    steps: int
    """done since the run began, over all stages"""


class Method(Component):
    """A way of training."""

    times: ClassVar[str] = ""
    """How often it goes through its epochs, in words, where it is more than once."""

    @property
    def learns_target(self) -> bool:
        """Whether the model's own outputs are trained; False of one that only prepares other stages."""
        return True

    @property
    def needs(self) -> frozenset[str]:
        """The parts of a model that it cannot do without, by their names in ``Parts``."""
        return frozenset()

    def check(self, signature: Signature) -> None:
        """Refuses what does not fit the data, before an engine is started. Raises: WrongInput."""

    @abstractmethod
    def train(
        self, model: keras.Model, train: Examples, validation: Examples, signature: Signature, stage: Stage
    ) -> Trained:
        """Trains ``model`` in place and resumes from the newest checkpoint of this stage if there is one.

        Raises:
            Diverged: the loss became NaN or infinite.
            Interrupted: SIGINT or SIGTERM came; the step was finished and a checkpoint written.
            NotSaved: a checkpoint cannot be written.
        """


def stack_of(model: keras.Model, method: str) -> Stack:
    """The autoencoders that a model is made of. Raises: WrongInput: it is not."""
    stack = parts_of(model).stack
    if stack is None:
        message = f"train: `{method}` needs a model made of autoencoders"
        raise WrongInput(message, "kpipe list models: stacked_autoencoder is")
    return stack
