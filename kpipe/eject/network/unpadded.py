"""Unpadded: operations on sequences that are a single expression, where none of them is padded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kpipe.eject.section import cannot


def last_state(layer: Any, _: Any, size: int) -> str:
    both = f"ops.concatenate([X[:, -1, :{size // 2}], X[:, 0, {size // 2}:]], axis=-1)"
    return both if layer.both_directions else "X[:, -1]"


def item(_: Any, node: Any, __: int) -> str:
    """Raises: WrongInput: something else than a step is taken."""
    place = node.arguments.args[1]
    if place != (slice(None), 0):
        raise cannot(f"model: {place} of a sequence", "leave it out")
    return "X[:, 0]"


UNPADDED: Mapping[str, Callable[[Any, Any, int], str]] = {
    "GetItem": item,
    "LastState": last_state,
    "RelativeToLast": lambda *_: "X - X[:, -1:]",
    "MaskedPooling": lambda layer, _, __: f"ops.{layer.how}(X, axis=1)",
}
"""Operations on ``X`` that are an expression, where no sequence is padded."""
