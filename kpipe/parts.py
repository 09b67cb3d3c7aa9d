"""Parts: what a built model offers besides its outputs, for decoding, pretraining and pictures.

Keras knows nothing of it: the parts share the model's layers, and are no layers of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import keras


class Stepper(Protocol):
    """A model that generates, one token at a time. Every tensor of a state begins with the axis of the batch."""

    def start(self, inputs: Mapping[str, Any], length: int) -> Any:
        """The state before the first step: tensors in dicts and tuples, all of fixed shape.

        ``inputs`` are the model's, by name: for `text` the source (batch, time) int32; for `next_token` any tokens
        (batch, time), of which only the batch counts, as what is given is fed step by step. ``length`` is how
        many steps there will be at most.
        """

    def step(self, tokens: Any, position: Any, state: Any) -> tuple[Any, Any]:
        """Logits (batch, num_tokens) after ``tokens`` (batch,) int32 at ``position`` (a number), and the state."""


@dataclass(frozen=True)
class Level:
    """One layer of a stack of autoencoders, for training it alone."""

    name: str
    below: keras.Model
    """raw inputs -> what this layer takes"""
    autoencoder: keras.Model
    """what this layer takes -> its reconstruction, through this layer and the decoder's that mirrors it"""


@dataclass(frozen=True)
class Stack:
    """A stack of autoencoders."""

    levels: Sequence[Level]
    """the lowest first"""
    autoencoder: keras.Model
    """raw inputs -> their reconstruction, in their unit"""
    encoder: keras.Model
    """raw inputs -> the code (batch, units)"""


class TeacherForced(Protocol):
    """What a model that can be trained on its own predictions offers."""

    sampling: bool
    """set before `compile`: whether training feeds the model its own tokens at all"""
    teacher_forcing: keras.Variable
    """the probability in [0, 1] that a step of training is fed the true token"""


@dataclass(frozen=True)
class Parts:
    """What a model offers; None where it has nothing of the kind."""

    stepper: Stepper | None = None
    attention: keras.Model | None = None
    """the model's inputs -> a dict of attention weights by layer, each (batch, heads, queries, keys)"""
    stack: Stack | None = None
    teacher_forcing: TeacherForced | None = None


def give(model: keras.Model, parts: Parts) -> keras.Model:
    """The model, with its parts."""
    model.kpipe_parts = parts
    return model


def parts_of(model: keras.Model) -> Parts:
    """The parts a model was built with, or none."""
    found = getattr(model, "kpipe_parts", None)
    return found if isinstance(found, Parts) else Parts()
