"""Tier: one layer of a stacked autoencoder with its mirror in the decoder, as Keras layers that networks share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Tier:
    """Encoding and decoding layers, each in the order in which they are gone through."""

    name: str
    encoding: Sequence[keras.Layer]
    decoding: Sequence[keras.Layer]

    def encode(self, x: Any) -> Any:
        for layer in self.encoding:
            x = layer(x)
        return x

    def decode(self, x: Any) -> Any:
        for layer in self.decoding:
            x = layer(x)
        return x


def encoded(tiers: Sequence[Tier], x: Any) -> Any:
    """Through all of them, up to the code."""
    for tier in tiers:
        x = tier.encode(x)
    return x


def decoded(tiers: Sequence[Tier], x: Any) -> Any:
    """The way back from the code."""
    for tier in reversed(tiers):
        x = tier.decode(x)
    return x
