"""The two ends of every network: raw inputs scaled by what train taught, and the output in the target's terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from kpipe.signature import Feature, Target

if TYPE_CHECKING:
    import keras

Scaling = Literal["standardize", "rescale", "none"]


def open_input(feature: Feature) -> keras.KerasTensor:
    """The input layer: raw values, in the dtype they have in memory."""
    import keras

    return keras.Input(feature.shape, dtype=feature.dtype, name=layer_name(feature.name))


def to_float(x: Any) -> Any:
    """Casts integers. Keras resizes integers to integers: rounded, and on JAX a 255 can become a 0."""
    import keras

    if keras.backend.is_float_dtype(x.dtype):
        return x
    dtype = keras.config.dtype_policy().variable_dtype
    return keras.layers.Rescaling(1.0, dtype=dtype, name="to_float")(x)


def scale(x: Any, feature: Feature, scaling: Scaling) -> Any:
    """Casts to floats and scales: (x - mean) / standard deviation of train, x / 255, or not at all."""
    import keras

    dtype = keras.config.dtype_policy().variable_dtype
    if scaling == "standardize" and feature.mean:
        mean, variance = list(feature.mean), never_zero(feature.variance)
        return keras.layers.Normalization(mean=mean, variance=variance, dtype=dtype, name="standardize")(x)
    if scaling == "rescale":
        return keras.layers.Rescaling(1 / 255, dtype=dtype, name="rescale")(x)
    return to_float(x)


def close_output(x: Any, target: Target, regularizer: Any = None) -> Any:
    """A dense layer of logits; of values and forecasts followed by their scale on train: output * deviation + mean.

    A forecast (batch, horizon, values) is made of a vector in one go.
    """
    import keras

    policy = keras.config.dtype_policy().variable_dtype
    name, horizon = layer_name(target.name), target.horizon or 1
    numbers = target.task in ("values", "forecast") and bool(target.mean)
    dense = keras.layers.Dense(
        target.size * horizon,
        kernel_regularizer=regularizer,
        dtype=policy,
        name="standardized_output" if numbers or target.horizon else name,
    )
    x = dense(x)
    if target.horizon:
        last = "standardized_steps" if numbers else name
        x = keras.layers.Reshape((horizon, target.size), dtype=policy, name=last)(x)
    if not numbers:
        return x
    mean, variance = list(target.mean), never_zero(target.variance)
    return keras.layers.Normalization(mean=mean, variance=variance, invert=True, dtype=policy, name=name)(x)


def never_zero(variances: Sequence[float]) -> list[float]:
    """A feature that is constant on train is shifted but not scaled."""
    return [variance if variance > 0 else 1.0 for variance in variances]


def layer_name(name: str) -> str:
    """Keras keeps ``/`` for paths."""
    return name.replace("/", "_")
