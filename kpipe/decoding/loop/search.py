"""Search: what differs between ways of decoding: which token comes next, and at the end which text is the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from keras import ops


class Choice(NamedTuple):
    """What a search decides in one step; ``rows`` are batch * width, those of an example one after the other."""

    tokens: Any
    """(rows,) int32"""
    parents: Any | None
    """(rows,) int32: the row that each goes on from; None where each goes on from itself"""
    memory: Any
    """what the search keeps for the next step: tensors"""


class Step(NamedTuple):
    """What a search is told in one step."""

    logits: Any
    """(rows, num_tokens) float32, of what may be produced"""
    position: Any
    """a number: of the tokens fed"""
    ended: Any
    """(rows,) bool: nothing more is produced here"""
    forced: Any
    """(rows,) bool: the next token is given, whatever is chosen"""
    draws: Any
    """(batch, steps) float32 in [0, 1), for who draws"""


class Search(Protocol):
    """A way of choosing."""

    @property
    def width(self) -> int:
        """Rows for each example."""

    def begin(self, batch: int) -> Any:
        """The memory before the first step."""

    def choose(self, step: Step, memory: Any) -> Choice:
        """The next token of each row."""

    def best(self, tokens: Any, sizes: Any, memory: Any) -> Any:
        """The answers (batch, length) among ``tokens`` (rows, length), of which ``sizes`` (rows,) were given."""


@dataclass(frozen=True)
class MostProbable:
    """The most probable token; of equal ones the one with the lower number, on every backend."""

    width = 1

    def begin(self, batch: int) -> Any:  # noqa: ARG002
        return ()

    def choose(self, step: Step, memory: Any) -> Choice:
        return Choice(ops.cast(ops.argmax(step.logits, axis=-1), "int32"), None, memory)

    def best(self, tokens: Any, sizes: Any, memory: Any) -> Any:  # noqa: ARG002
        return tokens
