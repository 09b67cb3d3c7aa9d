"""Augmentation: random changes to images, in training only, as layers of the model."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import Field

from kpipe.models.ends import Scaling
from kpipe.signature import Feature
from kpipe.spec.spec import Spec

UNCLIPPED = 1e5
"""Far beyond any scaled value: Keras clips what it brightens to a range, and the values here have none."""


class Augmentation(Spec):
    """Random changes to each training image; evaluation and prediction see the image as it is.

    Example:
        augmentation: {rotation: 0.03, translation: 0.1, zoom: 0.1}
    """

    rotation: float = Field(0.0, ge=0, le=1, description="largest angle either way, a fraction of a full turn, 0 to 1")
    translation: float = Field(0.0, ge=0, le=1, description="largest shift either way, a fraction of the side, 0 to 1")
    zoom: float = Field(0.0, ge=0, lt=1, description="largest zoom in or out, a fraction of the size, [0, 1)")
    flip: Literal["none", "horizontal", "vertical", "both"] = Field("none", description="mirrors half of the images")
    fill_mode: Literal["nearest", "constant", "reflect", "wrap"] = Field(
        "nearest", description="what fills the places an image moved away from; constant: zeros"
    )
    brightness: float = Field(
        0.0, ge=0, le=10, description="largest shift of all values either way, in standard deviations of train, 0 to 10"
    )
    contrast: float = Field(
        0.0, ge=0, lt=1, description="largest stretch or squeeze about the image's mean, a fraction, [0, 1)"
    )

    def move(self, x: Any) -> Any:
        """Changes where things are; ``x`` holds raw values (batch, height, width, channels)."""
        from keras import config, layers

        dtype, fill = config.dtype_policy().variable_dtype, self.fill_mode
        if self.flip != "none":
            mode = "horizontal_and_vertical" if self.flip == "both" else self.flip
            x = layers.RandomFlip(mode, dtype=dtype, name="random_flip")(x)
        if self.rotation:
            x = layers.RandomRotation(self.rotation, fill_mode=fill, dtype=dtype, name="random_rotation")(x)
        if self.translation:
            shift = self.translation
            x = layers.RandomTranslation(shift, shift, fill_mode=fill, dtype=dtype, name="random_translation")(x)
        if self.zoom:
            x = layers.RandomZoom(self.zoom, fill_mode=fill, dtype=dtype, name="random_zoom")(x)
        return x

    def colour(self, x: Any, feature: Feature, scaling: Scaling) -> Any:
        """Changes how bright things are; ``x`` holds scaled values."""
        from keras import config, layers

        dtype, limits = config.dtype_policy().variable_dtype, (-UNCLIPPED, UNCLIPPED)
        if self.brightness:
            factor = self.brightness * deviation(feature, scaling) / (2 * UNCLIPPED)
            x = layers.RandomBrightness(factor, value_range=limits, dtype=dtype, name="random_brightness")(x)
        if self.contrast:
            both = (self.contrast, self.contrast)  # a single number would only stretch, never squeeze
            x = layers.RandomContrast(both, value_range=limits, dtype=dtype, name="random_contrast")(x)
        return x


def deviation(feature: Feature, scaling: Scaling) -> float:
    """The standard deviation over train of values scaled so, the mean over the channels."""
    if scaling == "standardize" or not feature.variance:
        return 1.0
    raw = sum(math.sqrt(variance) for variance in feature.variance) / len(feature.variance)
    return raw / 255 if scaling == "rescale" else raw
