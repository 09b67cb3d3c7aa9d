"""Noise: how an autoencoder's input is damaged while it learns to give back what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from kpipe.spec.mistake import Problem
from kpipe.spec.spec import Spec, refuse

if TYPE_CHECKING:
    import keras

RATE, STDDEV = 0.25, 0.15


class Noise(Spec):
    """Damage to numbers between 0 and 1, or of deviation 1: inputs after their scaling, and hidden layers."""

    type: Literal["masking", "gaussian", "salt_and_pepper"] = Field(
        "masking", description="masking: set to 0; gaussian: noise added; salt_and_pepper: set to the lowest or highest"
    )
    rate: float | None = Field(
        None, ge=0, lt=1, description=f"fraction that is set, [0, 1), of masking and salt_and_pepper; default {RATE}"
    )
    stddev: float | None = Field(
        None, ge=0, le=10, description=f"deviation of what is added, of gaussian, after scaling; default {STDDEV}"
    )

    @model_validator(mode="after")
    def _amount_fits_the_type(self) -> Noise:
        wrong, right = ("rate", "stddev") if self.type == "gaussian" else ("stddev", "rate")
        if getattr(self, wrong) is not None:
            raise refuse(Problem((wrong,), f"`{self.type}` noise has no {wrong}", f"give its `{right}`"))
        return self

    @property
    def amount(self) -> float:
        """The rate or deviation."""
        given = self.stddev if self.type == "gaussian" else self.rate
        return given if given is not None else STDDEV if self.type == "gaussian" else RATE

    def layer(self, name: str, low: float = 0.0, high: float = 1.0) -> keras.Layer:
        """The layer that does it; ``low`` and ``high`` are pepper and salt."""
        from kpipe.layers.corruption import Corruption

        return Corruption(self.type, self.amount, low, high, name=name)
