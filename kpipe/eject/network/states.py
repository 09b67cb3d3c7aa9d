"""States: the names of what recurrent layers give beside their steps."""

from __future__ import annotations

from typing import Any

from kpipe.eject.section import cannot


def states_of(layer: Any) -> list[str]:
    """``encoder1_h, encoder1_c`` of an LSTM; of both directions the forward ones first.

    Raises: WrongInput: another layer.
    """
    import keras

    both = isinstance(layer, keras.layers.Bidirectional)
    recurrent = layer.forward_layer if both else layer
    if not isinstance(recurrent, keras.layers.LSTM | keras.layers.GRU):
        raise cannot(f"model: the layer `{layer.name}`, which gives several things,", "leave it out")
    states = "hc" if isinstance(recurrent, keras.layers.LSTM) else "h"
    directions = ("forward_", "backward_") if both else ("",)
    return [f"{direction}{layer.name}_{state}" for direction in directions for state in states]
