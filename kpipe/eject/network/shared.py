"""Shared: layers that a network calls twice, as the table of tokens that two texts share, each call a line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kpipe.eject.words import literal

if TYPE_CHECKING:
    import keras

    from kpipe.eject.network.functional import Lines

WRITTEN = ("TokenEmbedding",)
"""Layers that may be called several times."""


def calls(model: keras.Model, operation: Any) -> list[Any]:
    """The calls of a layer in this model, in the order in which others need them."""
    found = nodes_of(model, operation)
    return found if len(found) < 2 else sorted(found, key=lambda node: model.operations.index(taker(model, node)))


def nodes_of(model: keras.Model, operation: Any) -> list[Any]:
    return [node for nodes in model._nodes_by_depth.values() for node in nodes if node.operation is operation]


def taker(model: keras.Model, node: Any) -> Any:
    """The first layer that takes something that ``node`` makes."""
    return next(
        one
        for one in model.operations
        if any(taken is made for each in nodes_of(model, one) for taken in each.input_tensors for made in node.outputs)
    )


def again(lines: Lines) -> dict[Any, Any]:
    """Before which layers another one is called again, and that call."""
    return {taker(lines.model, node): node for one in lines.operations for node in calls(lines.model, one)[1:]}


def name_of(lines: Lines, layer: Any) -> str:
    """What a layer makes, where it is needed later; one that is called several times has the name itself."""
    before = lines.names[id(lines.nodes[id(layer)].input_tensors[0])]
    several = len(calls(lines.model, layer)) > 1
    return f"{before}_{layer.name}" if several else re.sub(r"\W", "_", layer.name)


def line(lines: Lines, node: Any, layer: Any) -> str:
    """The line that calls another layer again, for ``layer``."""
    before, made = lines.names[id(node.input_tensors[0])], node.outputs[0]
    alone = len(lines.nodes[id(layer)].input_tensors) == 1
    name = lines.names[id(made)] = "x" if alone else f"{before}_{node.operation.name}"
    given = lines.given(name, node, gives_several(lines, node.operation))
    return f"{given} = {node.operation.name}({before})  # {literal(tuple(made.shape[1:]))}"


def gives_several(lines: Lines, layer: Any) -> bool:
    """Whether the second thing that such layers give is needed of one of them."""
    alike = [one for one in lines.operations if type(one) is type(layer)]
    nodes = [node for one in alike for node in calls(lines.model, one)]
    return any(len(node.outputs) > 1 and lines.is_taken(node.outputs[-1]) for node in nodes)
