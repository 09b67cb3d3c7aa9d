"""Gradient-weighted class activation: which places of an image speak for an output."""

from __future__ import annotations

import keras
import numpy as np

from kpipe.evaluation.forward import run
from kpipe.evaluation.gradients import gradients

SMALLEST = 4
"""A coarser map than 4 x 4 says nothing of places."""


def heat_maps(model: keras.Model, images: np.ndarray, outputs: np.ndarray) -> np.ndarray | None:
    """ReLU of the feature maps weighted by their mean gradients, each scaled to its maximum; None without feature maps.

    Shapes: (batch, height, width, channels), (batch,) -> (batch, map height, map width)
    """
    halves = cut(model)
    if halves is None:
        return None
    body, head = halves
    maps = run(body, images)
    slopes = gradients(head, maps, outputs)
    channels_last = keras.config.image_data_format() == "channels_last"
    places, channels = ((1, 2), 3) if channels_last else ((2, 3), 1)
    heat = np.maximum((maps * slopes.mean(axis=places, keepdims=True)).sum(axis=channels), 0.0)
    largest = heat.max(axis=(1, 2), keepdims=True)
    return np.asarray(heat / np.where(largest > 0, largest, 1.0))


def cut(model: keras.Model) -> tuple[keras.Model, keras.Model] | None:
    """The model in two, before and after its last feature maps of at least 4 x 4, or else its last feature maps."""
    maps = [layer for layer in after_first_weights(model) if len(getattr(layer.output, "shape", ())) == 4]
    sides = [min(size for size in layer.output.shape[1:3]) for layer in maps]
    fine = [layer for layer, side in zip(maps, sides, strict=True) if side >= SMALLEST]
    for layer in reversed(fine or maps):
        try:
            head = keras.Model(layer.output, model.output)
        except ValueError:  # a residual connection leads past this layer
            continue
        return keras.Model(model.input, layer.output), head
    return None


def after_first_weights(model: keras.Model) -> list[keras.Layer]:
    """The layers from the first that is trained on: what stands before only prepares the image."""
    trained = [bool(layer.trainable_variables) for layer in model.layers]
    return model.layers[trained.index(True) :] if any(trained) else []
