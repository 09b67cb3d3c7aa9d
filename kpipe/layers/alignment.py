"""Alignment: how much a decoder looks at each step of its source."""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import ops

from kpipe.layers.masked_softmax import masked_softmax

Score = Literal["additive", "dot", "general"]


@keras.saving.register_keras_serializable("kpipe")
class Alignment(keras.layers.Layer):  # type: ignore[misc]
    """The weights of the source's steps for each step of a query, and the mean of the source under them.

    weights = softmax(score(query, memory)), context = sum(weights * memory), with one of three scores: additive
    v . tanh(W query + U memory), dot query . memory, general query . U memory. Padding has weight 0, and where all is
    padding the context is 0, so that no gradient goes there.

    Shapes:
        queries (batch, target, units), memory (batch, source, size), keys (batch, source, units), there (batch, source)
        boolean -> context (batch, target, size), weights (batch, target, source)

    Reference:
        D. Bahdanau et al., 2015, Neural machine translation by jointly learning to align and translate.
        M.-T. Luong et al., 2015, Effective approaches to attention-based neural machine translation.
    """

    def __init__(self, units: int, score: Score, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.score = units, score
        self.key = self.query = self.weigh = None
        if score != "dot":
            self.key = keras.layers.Dense(units, use_bias=False, dtype=self.dtype_policy, name="key")
        if score == "additive":
            self.query = keras.layers.Dense(units, dtype=self.dtype_policy, name="query")
            self.weigh = keras.layers.Dense(1, use_bias=False, dtype=self.dtype_policy, name="weigh")

    def build(self, queries_shape: Any, memory_shape: Any) -> None:
        if self.key is not None:
            self.key.build(memory_shape)
        if self.query is not None and self.weigh is not None:
            self.query.build(queries_shape)
            self.weigh.build((None, None, None, self.units))

    def keys(self, memory: Any) -> Any:
        """What queries are compared with: (batch, source, size) -> (batch, source, units); the same at each step."""
        return memory if self.key is None else self.key(memory)

    def call(self, queries: Any, memory: Any, keys: Any, there: Any) -> tuple[Any, Any]:
        """Context and weights; ``there`` is False on padding."""
        if self.query is not None and self.weigh is not None:
            compared = ops.tanh(self.query(queries)[:, :, None] + keys[:, None])  # (batch, target, source, units)
            scores = self.weigh(compared)[..., 0]
        else:
            scores = ops.einsum("btu,bsu->bts", queries, keys)
        weights = masked_softmax(scores, there[:, None])
        return ops.einsum("bts,bsm->btm", ops.cast(weights, memory.dtype), memory), weights

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "score": self.score}
