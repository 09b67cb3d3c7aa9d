"""Pictures of attention weights: matrices with the words at their sides, and patches over an image."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kpipe.evaluation.drawing import FAINT, INK, SMALL, SOFT, WIDTH, figure, shorten
from kpipe.evaluation.images import showable
from kpipe.parts import parts_of
from kpipe.signature import Signature
from kpipe.tokenization.special import PADDING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kpipe.evaluation.evidence import Evidence

MAP = re.compile(r"(encoder|decoder)(\d+)(_cross)?")
"""A Transformer's layers of attention, as `kpipe.models.transformer` names them."""
LONGEST = 32
MOST_HEADS = 8
Maps = Mapping[str, np.ndarray]
"""Weights (heads, queries, keys) of one example by layer."""


def attention_of(evidence: Evidence, position: int) -> Maps:
    """The weights of one example in each layer of a Transformer; none where the model is no such."""
    import keras

    model = parts_of(evidence.model).attention
    if model is None:
        return {}
    batch = evidence.split.take(np.array([position]))
    inputs = {feature.name: batch[feature.name] for feature in evidence.signature.inputs}
    found = model(inputs if len(inputs) > 1 else next(iter(inputs.values())), training=False)
    return {
        name: np.array(keras.ops.convert_to_numpy(found[name]), "float32")[0]
        for name in sorted(filter(MAP.fullmatch, found), key=place)
    }


def place(name: str) -> tuple[bool, int, str]:
    """The encoder's layers come before the decoder's, the lowest first; Keras sorts them as words."""
    side, number, cross = MAP.fullmatch(name).groups("")  # type: ignore[union-attr]
    return side == "decoder", int(number), cross


def last_of_each(maps: Maps) -> Maps:
    """The last layer's maps of the encoder, of the decoder on itself, and on the source."""
    last: dict[tuple[str, ...], str] = {}
    for name in maps:
        side, _, cross = MAP.fullmatch(name).groups("")  # type: ignore[union-attr]
        last[side, cross] = name
    return {name: maps[name] for name in last.values()}


def headline(name: str) -> str:
    """``decoder2_cross -> decoder 2 on the source``."""
    side, number, cross = MAP.fullmatch(name).groups()  # type: ignore[union-attr]
    return f"{side} {number}" + (" on the source" if cross else " on itself" if side == "decoder" else "")


def words_of(maps: Maps, batch: Any, signature: Signature) -> dict[str, tuple[list[str], list[str]]]:
    """For each map the words that look and those that are looked at, without padding."""

    def words(number: int, count: int) -> list[str]:
        feature = signature.inputs[number]
        if feature.vocabulary is None:
            return [str(step) for step in range(count)]
        tokens = batch[feature.name][0]
        found = [shorten(feature.vocabulary.tokens[token], 12) for token in tokens[tokens != PADDING]]
        classed = count == len(tokens) + 1
        return (["<class>"] if classed else []) + found

    found = {}
    for name, weights in maps.items():
        _, queries, keys = weights.shape
        looking = len(signature.inputs) - 1 if name.startswith("decoder") else 0
        looked_at = 0 if name.endswith("_cross") else looking
        found[name] = words(looking, queries)[:LONGEST], words(looked_at, keys)[:LONGEST]
    return found


def draw_maps(maps: Maps, batch: Any, signature: Signature) -> Figure:
    """A matrix for each layer and head, with the words at its sides."""
    columns = min(MOST_HEADS, max(len(weights) for weights in maps.values()))
    words = words_of(maps, batch, signature)
    tallest = max(len(looking) / max(len(looked_at), 1) for looking, looked_at in words.values())
    cell = WIDTH / columns
    drawn = figure(min(len(maps) * (cell * min(max(tallest, 0.5), 2.0) + 0.7), 16.0))
    grid = drawn.subplots(len(maps), columns, squeeze=False)
    for row, (name, weights) in zip(grid, maps.items(), strict=True):
        looking, looked_at = words[name]
        for head, axes in enumerate(row):
            if head >= len(weights):
                axes.set_axis_off()
                continue
            shown = weights[head, : len(looking), : len(looked_at)]
            axes.imshow(shown, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
            name_sides(axes, looking if head == 0 else [], looked_at, cell)
            above = headline(name) if head == 0 else ""
            axes.set_title(f"{above}\nhead {head + 1}", loc="left", fontsize=SMALL, color=INK, pad=2)
    return drawn


def name_sides(axes: Axes, looking: list[str], looked_at: list[str], cell: float) -> None:
    """Words at the left and below, as large as there is room for."""
    size = min(SMALL, 0.75 * 72 * cell / max(len(looked_at), len(looking), 1))
    axes.set_xticks(range(len(looked_at)), looked_at, rotation=90, fontsize=size)
    axes.set_yticks(range(len(looking)), looking, fontsize=size)
    axes.tick_params(colors=SOFT, length=0, pad=1)
    for spine in axes.spines.values():
        spine.set(color=FAINT, linewidth=0.6)


def draw_patches(maps: Maps, images: np.ndarray, model: Any) -> Figure:
    """The image, and over it how much each head looks at each patch."""
    from kpipe.evaluation.plots.grad_cam import over

    image, size = showable(images)[0], int(model.get_layer("patches").size)
    rows, columns = image.shape[0] // size, image.shape[1] // size
    heads = min(MOST_HEADS, max(len(weights) for weights in maps.values()))
    side = WIDTH / (heads + 1)
    drawn = figure(len(maps) * (side * image.shape[0] / image.shape[1] + 0.3))
    for row, (name, weights) in zip(drawn.subplots(len(maps), heads + 1, squeeze=False), maps.items(), strict=True):
        for axes in row:
            axes.set_axis_off()
        row[0].imshow(image)
        row[0].set_title(headline(name), loc="left", fontsize=SMALL, color=INK, pad=2)
        for head, axes in enumerate(row[1:][: len(weights)]):
            heat = looked_at(weights[head], rows * columns).reshape(rows, columns)
            axes.imshow(over(image, heat))
            axes.set_title(f"head {head + 1}", fontsize=SMALL, color=SOFT, pad=2)
    return drawn


def looked_at(weights: np.ndarray, patches: int) -> np.ndarray:
    """How much each patch is looked at, the most being 1: by the class token, or by all on average (patches,)."""
    found = weights[0, 1:] if weights.shape[1] == patches + 1 else weights.mean(axis=0)
    return np.asarray(found / max(float(found.max()), 1e-9))
