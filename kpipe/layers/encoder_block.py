"""EncoderBlock: self-attention, then a feed-forward network."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kpipe.layers.transformer_block import TransformerBlock


@keras.saving.register_keras_serializable("kpipe")
class EncoderBlock(TransformerBlock):
    """One layer of a Transformer's encoder: every step looks at every other that is not padding.

    Shapes:
        x (batch, time, width), valid (batch, time) boolean: which steps are there; None is all
        -> (batch, time, width), weights (batch, heads, time, time)

    Reference: A. Vaswani et al., 2017, Attention is all you need.
    """

    def call(self, x: Any, valid: Any = None) -> tuple[Any, Any]:
        x, weights = self.look(x, None if valid is None else ops.expand_dims(valid, 1))
        return self.finish(x), weights
