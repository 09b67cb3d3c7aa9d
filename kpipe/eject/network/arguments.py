"""Arguments of Keras's layers as one would write them: those that differ from the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kpipe.eject.section import cannot
from kpipe.eject.words import keywords, literal

FIRST: Mapping[str, tuple[str, ...]] = {
    "Activation": ("activation",),
    "Add": (),
    "AveragePooling2D": ("pool_size",),
    "BatchNormalization": (),
    "Concatenate": (),
    "Conv2D": ("filters", "kernel_size"),
    "Conv2DTranspose": ("filters", "kernel_size"),
    "Cropping2D": ("cropping",),
    "Dense": ("units",),
    "DepthwiseConv2D": ("kernel_size",),
    "Flatten": (),
    "GRU": ("units",),
    "GlobalAveragePooling2D": (),
    "GroupNormalization": ("groups",),
    "LSTM": ("units",),
    "LayerNormalization": (),
    "MaxPooling2D": ("pool_size",),
    "Normalization": (),
    "Rescaling": ("scale",),
    "Reshape": ("target_shape",),
    "Resizing": ("height", "width"),
    "SimpleRNN": ("units",),
    "SeparableConv2D": ("filters", "kernel_size"),
}
"""Keras's layers that are written, each with the arguments that stand first and without their names. None is random in
training (as dropout is: see ``chance.py``); where they begin is written by ``initial_weights.py``."""

EXAMPLE: Mapping[str, Any] = {
    "activation": "relu", "cropping": 0, "filters": 1, "groups": 1, "height": 1, "kernel_size": 3, "pool_size": 3,
    "scale": 1.0, "target_shape": (1,), "units": 1, "width": 1,
}  # fmt: skip
"""For a layer with nothing but its defaults beside these."""


def arguments(layer: Any, values: Mapping[str, str] | None) -> list[str]:
    """Those that differ from Keras's defaults. Raises: WrongInput: the layer, or one of them, cannot be written."""
    import keras

    kind = type(layer).__name__
    if kind not in FIRST or type(layer) is not getattr(keras.layers, kind):
        raise cannot(
            f"model: the layer `{layer.name}` ({kind})", f"layers that can: {', '.join(sorted((*FIRST, 'Dropout')))}"
        )
    first = FIRST[kind]
    config = layer.get_config()
    default = type(layer)(**{name: EXAMPLE[name] for name in first}).get_config()
    set_here = {name: value for name, value in config.items() if value != default.get(name) or name in first}
    if "pool_size" in config:
        set_here["strides"] = config["strides"]
        if config["strides"] == config["pool_size"]:
            del set_here["strides"]  # as where it is not given
    if set_here.get("axis") == [-1]:
        del set_here["axis"]  # as where it is not given
    if config.get("dropout"):
        raise cannot(f"model: the dropout within the layer `{layer.name}`", "leave it out")
    for name in ("name", "dtype", "seed", "zero_output_for_mask", *(values or {})):
        set_here.pop(name, None)  # Bidirectional sets the last of these itself
    found = [plain(layer, name, set_here.pop(name)) for name in first]
    named = {name: plain(layer, name, value) for name, value in set_here.items()} | dict(values or {})
    if layer.weights and "name" not in named and kind != "Normalization":
        named["name"] = literal(layer.name)
    return found + keywords(named)


def plain(layer: Any, name: str, value: Any) -> str:
    """An argument of a layer's configuration as one would write it."""
    if isinstance(value, dict):
        config = value.get("config", {})
        if value.get("class_name") == "L2":
            return f"keras.regularizers.L2({config['l2']!r})"
        raise cannot(f"model: `{name}` of the layer `{layer.name}` ({value.get('class_name')})", "leave it out")
    if (
        isinstance(value, (list, tuple))
        and len(value) == 2
        and value[0] == value[1]
        and name not in ("cropping", "target_shape")
    ):
        return literal(value[0])
    return "1 / 255" if value == 1 / 255 else literal(value)
