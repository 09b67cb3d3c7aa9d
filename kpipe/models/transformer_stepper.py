"""TransformerStepper: a Transformer's decoder as decoding uses it, with keys and values kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kpipe.errors import WrongInput

if TYPE_CHECKING:
    import keras

    from kpipe.layers.decoder_block import DecoderBlock


@dataclass(frozen=True)
class TransformerStepper:
    """Reads the source once, then makes one token a step: each step costs one token, however many came before."""

    source: str
    """the name of the input that is read, or of which only the batch counts"""
    encoder: keras.Model | None
    """source -> memory and valid"""
    embedding: keras.Layer
    positions: keras.Layer | None
    blocks: Sequence[DecoderBlock]
    norm: keras.Layer | None
    output: keras.Layer
    tied: bool
    longest: int | None = None
    """the positions that were learned"""

    def start(self, inputs: Mapping[str, Any], length: int) -> Any:
        """Empty caches of ``length`` steps, and the keys and values of the source.

        Raises: WrongInput: more steps than positions were learned.
        """
        from keras import ops

        if self.longest is not None and length > self.longest:
            raise WrongInput(
                f"decode.max_length: {length} steps, but the positions that were learned end at {self.longest}",
                "ask for fewer, or train with `positions: sinusoidal` or `rotary`, which have no end",
            )
        source = inputs[self.source]
        read = {} if self.encoder is None else self.encoder(source, training=False)
        memory, batch = read.get("memory"), ops.shape(source)[0]
        state: dict[str, Any] = {"blocks": tuple(block.start(batch, length, memory) for block in self.blocks)}
        return state if self.encoder is None else {**state, "valid": read["valid"]}

    def step(self, tokens: Any, position: Any, state: Any) -> tuple[Any, Any]:
        x, table = self.embedding(tokens[:, None])
        if self.positions is not None:
            x = self.positions(x, first=position)
        blocks = []
        for block, kept in zip(self.blocks, state["blocks"], strict=True):
            x, kept = block.step(x, position, kept, state.get("valid"))
            blocks.append(kept)
        if self.norm is not None:
            x = self.norm(x)
        logits = self.output(x, table) if self.tied else self.output(x)
        return logits[:, 0], {**state, "blocks": tuple(blocks)}
