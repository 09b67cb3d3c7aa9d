"""Inputs damaged as an autoencoder's were in training, and what it makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import keras
import numpy as np

from kpipe.layers.corruption import Corruption

if TYPE_CHECKING:
    from keras import Model

SEED = 1


class Denoising(NamedTuple):
    """Both in the inputs' unit (examples, ...)."""

    damaged: np.ndarray
    denoised: np.ndarray


def denoise(model: Model | None, inputs: np.ndarray) -> Denoising | None:
    """Through the model's own layers, whose corruption is otherwise at work in training alone; None if it has none."""
    found = [layer for layer in getattr(model, "layers", ()) if isinstance(layer, Corruption)]
    if not found:
        return None
    assert model is not None
    corruption = found[0]
    again = Corruption.from_config({**corruption.get_config(), "name": "again", "seed": SEED})
    scaled = keras.Model(model.input, corruption.input)(inputs, training=False)
    damaged = again(scaled, training=True)
    denoised = keras.Model(corruption.output, model.output)(damaged, training=False)
    own_unit = model.layers[-1](damaged)
    return Denoising(*(np.array(keras.ops.convert_to_numpy(one), "float32") for one in (own_unit, denoised)))
