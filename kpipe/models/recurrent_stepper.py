"""RecurrentStepper: a recurrent encoder and decoder as decoding uses them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from kpipe.layers.recurrent_decoder import RecurrentDecoder


@dataclass(frozen=True)
class RecurrentStepper:
    """Reads the source once, then takes one step of the decoder at a time."""

    encoder: keras.Model
    decoder: RecurrentDecoder
    source: str
    """the name of the input that is read"""

    def start(self, inputs: Mapping[str, Any], length: int) -> Any:  # noqa: ARG002
        """The decoder's states, and what its attention looks at."""
        state = dict(self.encoder(inputs[self.source], training=False))
        if self.decoder.alignment is not None:
            state["keys"] = self.decoder.alignment.keys(state["memory"])
        return state

    def step(self, tokens: Any, position: Any, state: Any) -> tuple[Any, Any]:  # noqa: ARG002
        looked_at = state.get("memory"), state.get("keys"), state.get("there")
        logits, states = self.decoder.step(tokens, state["states"], *looked_at)
        return logits, {**state, "states": states}
