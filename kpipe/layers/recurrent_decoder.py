"""RecurrentDecoder: a recurrent network that writes a text, token by token, looking at its source."""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import ops

from kpipe.layers import stateless_random
from kpipe.layers.alignment import Alignment, Score

Cell = Literal["lstm", "gru"]


@keras.saving.register_keras_serializable("kpipe")
class RecurrentDecoder(keras.layers.Layer):  # type: ignore[misc]
    """Logits of each next token, from the tokens before it, the encoder's last states and its outputs.

    h_t = RNN(embedding of the previous token, h_t-1), looked = tanh(W [context_t; h_t]), logits = V looked. Without
    attention ``looked`` is h_t. Nothing of a step depends on ``looked`` of the step before (Luong's input feeding is
    left out), so that with teacher forcing the recurrent layers run over the whole sequence at once.

    With ``sampling``, training goes step by step instead: each token is the true one with probability
    ``teacher_forcing``, otherwise the most probable one of the step before. No gradient goes through that choice.

    Shapes:
        previous (batch, target) int32, states of each layer (batch, units), memory (batch, source, size), there
        (batch, source) boolean -> logits (batch, target, num_tokens), or the attention's weights
        (batch, 1, target, source)

    Reference:
        M.-T. Luong et al., 2015, Effective approaches to attention-based neural machine translation.
        S. Bengio et al., 2015, Scheduled sampling for sequence prediction with recurrent neural networks.
    """

    def __init__(
        self,
        vocabulary_size: int,
        cell: Cell,
        units: int,
        layers: int,
        embedding: int,
        attention: Score | None,
        dropout: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.fields = {
            "vocabulary_size": vocabulary_size, "cell": cell, "units": units, "layers": layers,
            "embedding": embedding, "attention": attention, "dropout": dropout,
        }  # fmt: skip
        policy, exact = self.dtype_policy, self.dtype_policy.variable_dtype
        recurrent = keras.layers.LSTM if cell == "lstm" else keras.layers.GRU
        self.embed = keras.layers.Embedding(vocabulary_size, embedding, dtype=policy, name="target_embedding")
        self.recurrent = [
            recurrent(units, return_sequences=True, seed=0, dtype=policy, name=f"decoder{number}")
            for number in range(1, layers + 1)
        ]
        self.drops = [
            keras.layers.Dropout(dropout, seed=0, dtype=policy, name=f"decoder{number}_dropout")
            for number in range(1, layers + 1)
        ]
        self.drop_last = keras.layers.Dropout(dropout, seed=0, dtype=policy, name="output_dropout")
        self.alignment = self.combine = None
        if attention is not None:
            self.alignment = Alignment(units, attention, dtype=policy, name="attention")
            self.combine = keras.layers.Dense(units, activation="tanh", dtype=policy, name="combine")
        self.output_layer = keras.layers.Dense(vocabulary_size, dtype=exact, name="logits")
        self.coins = keras.random.SeedGenerator(0)
        self.sampling = False
        """set before `compile`: whether training feeds the model its own tokens at all"""

    def build(
        self,
        previous_shape: Any,
        states_shape: Any,  # noqa: ARG002
        memory_shape: Any = None,
        there_shape: Any = None,  # noqa: ARG002
    ) -> None:
        fields = self.fields
        units, size = fields["units"], fields["embedding"]
        self.embed.build(previous_shape)
        for layer in self.recurrent:
            layer.build((None, None, size))
            size = units
        if self.alignment is not None and self.combine is not None:
            self.alignment.build((None, None, units), memory_shape)
            self.combine.build((None, None, memory_shape[-1] + units))
        self.output_layer.build((None, None, units))
        self.teacher_forcing = self.add_weight(
            shape=(), initializer="ones", trainable=False, dtype="float32", name="teacher_forcing"
        )

    def call(
        self,
        previous: Any,
        states: Any,
        memory: Any = None,
        there: Any = None,
        training: bool = False,
        return_attention: bool = False,
    ) -> Any:
        """Logits, or the attention's weights; only attention needs ``memory`` and ``there``."""
        keys = None if self.alignment is None else self.alignment.keys(memory)
        if training and self.sampling:
            return self._by_itself(previous, states, memory, keys, there)
        x = self.embed(previous)
        for layer, drop, state in zip(self.recurrent, self.drops, states, strict=True):
            x = layer(drop(x, training=training), initial_state=state, training=training)
        looked, weights = self._look(x, memory, keys, there)
        if return_attention:
            return weights[:, None]
        return self.output_layer(self.drop_last(looked, training=training))

    def _look(self, x: Any, memory: Any, keys: Any, there: Any) -> tuple[Any, Any]:
        if self.alignment is None or self.combine is None:
            return x, None
        context, weights = self.alignment(x, memory, keys, there)
        return self.combine(ops.concatenate([context, x], axis=-1)), weights

    def step(self, tokens: Any, states: Any, memory: Any, keys: Any, there: Any) -> tuple[Any, Any]:
        """Logits (batch, num_tokens) after ``tokens`` (batch,), and the new states."""
        looked, states = self._advance(self.embed(tokens), states, memory, keys, there)
        return self.output_layer(looked), states

    def _advance(
        self, x: Any, states: Any, memory: Any, keys: Any, there: Any, drops: Any = None
    ) -> tuple[Any, tuple[Any, ...]]:
        """One step of all layers: (batch, embedding) -> (batch, units); ``drops`` multiply each layer's input."""
        after = []
        for number, (layer, state) in enumerate(zip(self.recurrent, states, strict=True)):
            x, new = layer.cell(x if drops is None else x * drops[number], list(state))
            after.append(tuple(new))
        return self._look(x[:, None], memory, keys, there)[0][:, 0], tuple(after)

    def _by_itself(self, previous: Any, states: Any, memory: Any, keys: Any, there: Any) -> Any:
        """Training logits where some of the tokens fed are the model's own."""
        batch, length = ops.shape(previous)[0], ops.shape(previous)[1]
        units = self.fields["units"]
        sizes = [self.fields["embedding"], *[units] * (len(self.recurrent) - 1)]
        kept = [
            drop(ops.ones((length, batch, size), self.compute_dtype), training=True)
            for drop, size in zip([*self.drops, self.drop_last], [*sizes, units], strict=True)
        ]
        coins = stateless_random.uniform((length, batch), self.coins.next())
        share = ops.convert_to_tensor(self.teacher_forcing)

        def advance(carry: Any, x: Any) -> tuple[Any, Any]:
            own, _, states = carry
            true, coin, *drops = (ops.take(tensor, x, axis=0) for tensor in (tokens, coins, *kept))
            fed = self.embed(ops.where(coin < share, true, own))
            looked, states = self._advance(fed, states, memory, keys, there, drops[:-1])
            looked = looked * drops[-1]
            own = ops.cast(ops.argmax(ops.stop_gradient(self.output_layer(looked)), axis=-1), "int32")
            # what is stacked must be of the same structure as what is carried, on TensorFlow
            return (own, looked, states), (own, looked, states)

        tokens = ops.cast(ops.transpose(previous), "int32")
        first = (tokens[0], ops.zeros((batch, units), self.compute_dtype), tuple(tuple(state) for state in states))
        # of sequences of unknown length, `scan` takes but one on TensorFlow, and forgets the shapes
        _, (_, looked, _) = ops.scan(advance, first, ops.arange(length, dtype="int32"))
        return self.output_layer(ops.transpose(ops.reshape(looked, (length, batch, units)), (1, 0, 2)))

    def compute_output_spec(
        self,
        previous: Any,
        states: Any,  # noqa: ARG002
        memory: Any = None,
        there: Any = None,  # noqa: ARG002
        training: bool = False,  # noqa: ARG002
        return_attention: bool = False,
    ) -> keras.KerasTensor:
        batch, length = previous.shape
        if return_attention:
            return keras.KerasTensor((batch, 1, length, memory.shape[1]), "float32")
        return keras.KerasTensor((batch, length, self.fields["vocabulary_size"]), self.output_layer.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.fields}
