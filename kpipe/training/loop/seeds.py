"""Seeds of random layers: hashed from (seed, stage, the layer's path), so that no two share a stream."""

from __future__ import annotations

import keras
import numpy as np

from kpipe.backend import derive


def reseed(model: keras.Model, seed: int, stage: int | str) -> None:
    """Sets every seed generator of every layer.

    PyTorch draws from ``seed + count``: with neighbouring seeds one layer's second draw would be the next one's
    first. Hashing keeps them apart, and makes a layer's draws independent of how many layers stand before it.
    """
    for layer in model._flatten_layers():
        for number, generator in enumerate(layer._seed_generators):
            drawn = derive(seed, "layer", stage, layer.path or layer.name, number)
            generator.state.assign(np.array([drawn, 0]))
            # Keras's dropout on PyTorch draws from PyTorch's own generator when a layer was made without a seed
            generator._initial_seed = drawn
