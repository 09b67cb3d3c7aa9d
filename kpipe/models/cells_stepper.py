"""CellsStepper: a recurrent language model, as decoding uses it: one step of its cells at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Level:
    """A recurrent layer, and how its input is added to its output: not, as it is, or through a dense layer."""

    recurrent: keras.layers.RNN
    residual: bool
    shortcut: keras.layers.Dense | None


@dataclass(frozen=True)
class CellsStepper:
    """The layers that a language model shares with its stepper."""

    embedding: keras.layers.Embedding
    levels: Sequence[Level]
    output: keras.layers.Layer

    def start(self, inputs: Mapping[str, Any], length: int) -> Any:  # noqa: ARG002
        """The cells' states before the first step: zeros."""
        from keras import ops

        batch = ops.shape(next(iter(inputs.values())))[0]
        return tuple(tuple(level.recurrent.cell.get_initial_state(batch)) for level in self.levels)

    def step(self, tokens: Any, position: Any, state: Any) -> tuple[Any, Any]:  # noqa: ARG002
        """Logits (batch, num_tokens) after ``tokens`` (batch,), and the new states."""
        x = self.embedding(tokens)
        after = []
        for level, before in zip(self.levels, state, strict=True):
            y, new = advance(level.recurrent.cell, x, before)
            after.append(new)
            if level.residual:
                y = y + (x if level.shortcut is None else level.shortcut(x))
            x = y
        return self.output(x), tuple(after)


def advance(cell: Any, x: Any, before: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """One call of a cell: its output and its new states."""
    # a SimpleRNNCell with recurrent dropout draws a mask even where it needs none: inside a compiled loop, that
    # would change a seed from within. A mask that is there already keeps it from drawing.
    cell._recurrent_dropout_mask = ()
    y, new = cell(x, list(before), training=False)
    cell._recurrent_dropout_mask = None
    return y, tuple(new)
