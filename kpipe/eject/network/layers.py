"""Layers: kpipe's own layers as code, short ones of plain Keras that compute the same, by their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from kpipe.eject.network import around, chance, damage, recurrent_decoder, transformer
from kpipe.eject.words import changed, literal


class Own(NamedTuple):
    """The code of a layer, what it is made of before it, and the arguments that it is made with here."""

    codes: tuple[str, ...]
    arguments: Callable[[Any], list[str]] = lambda _: []


EMBEDDING = '''
class Embedding(layers.Embedding):
    """Times 1, for then TensorFlow's gradient is whole, as elsewhere, and moments and norms of it are right."""

    def call(self, tokens):
        return ops.take(self.embeddings * 1.0, tokens, axis=0)
'''

THERE_OR_FIRST = '''
class ReadMask(layers.Layer):
    """True where there is a token. The first step always counts, for rows that only fill up a batch."""

    def call(self, tokens):
        first = ops.equal(ops.arange(ops.shape(tokens)[1], dtype="int32"), 0)
        return ops.logical_or(ops.not_equal(tokens, 0), first)
'''

THERE = '''
class TokenMask(layers.Layer):
    """True where there is a token."""

    def call(self, tokens):
        return ops.not_equal(tokens, 0)
'''

LAST_STATE = '''
class LastState(layers.Layer):
    """The output of the last step that is there."""

    def call(self, x, there):
        number = ops.sum(ops.cast(there, "int32"), axis=1, keepdims=True)
        chosen = ops.equal(ops.arange(ops.shape(x)[1])[None], number - 1)
        return ops.sum(ops.where(chosen[..., None], x, 0.0), axis=1)

    def compute_mask(self, *_):
        """None is left: the steps are one."""
'''

BOTH_ENDS = '''
class LastState(layers.Layer):
    """The end of each direction: of the first half the last step that is there, of the second the first."""

    def call(self, x, there):
        number = ops.sum(ops.cast(there, "int32"), axis=1, keepdims=True)
        chosen = ops.equal(ops.arange(ops.shape(x)[1])[None], number - 1)
        last, half = ops.sum(ops.where(chosen[..., None], x, 0.0), axis=1), x.shape[-1] // 2
        return ops.concatenate([last[:, :half], x[:, 0, half:]], axis=-1)

    def compute_mask(self, *_):
        """None is left: the steps are one."""
'''

MEAN = '''
class MaskedMean(layers.Layer):
    """The mean over the steps that are there."""

    def call(self, x, there):
        there = ops.cast(there, x.dtype)[..., None]
        return ops.sum(x * there, axis=1) / ops.maximum(ops.sum(there, axis=1), 1.0)

    def compute_mask(self, *_):
        """None is left: the steps are one."""
'''

MAX = '''
class MaskedMax(layers.Layer):
    """The greatest of each number over the steps that are there."""

    def call(self, x, there):
        there = there[..., None]
        return ops.where(ops.any(there, axis=1), ops.max(ops.where(there, x, -3e4), axis=1), 0.0)

    def compute_mask(self, *_):
        """None is left: the steps are one."""
'''

ATTENTION_POOLING = '''
class AttentionPooling(layers.Layer):
    """The mean of the steps, weighed by what is learned to matter: softmax(v . tanh(W x + b))."""

    def __init__(self, units, name):
        super().__init__(name=name)
        self.hidden = layers.Dense(units, activation="tanh", name="hidden")
        self.score = layers.Dense(1, use_bias=False, name="score")

    def call(self, x, there):
        weights = ops.softmax(ops.where(there, self.score(self.hidden(x))[..., 0], -1e9), axis=-1)
        return ops.sum(x * ops.where(there, weights, 0.0)[..., None], axis=1)

    def compute_mask(self, *_):
        """None is left: the steps are one."""
'''


ATTENTION_POOLING_OF_ALL = changed(
    ATTENTION_POOLING,
    ("(self, x, there)", "(self, x)"),
    (
        """        weights = ops.softmax(ops.where(there, self.score(self.hidden(x))[..., 0], -1e9), axis=-1)
        return ops.sum(x * ops.where(there, weights, 0.0)[..., None], axis=1)

    def compute_mask(self, *_):
        \"\"\"None is left: the steps are one.\"\"\"
""",
        """        weights = ops.softmax(self.score(self.hidden(x))[..., 0], axis=-1)
        return ops.sum(x * weights[..., None], axis=1)
""",
    ),
)


def own(layer: Any, padded: bool = True, several: bool = False) -> Own | None:
    """How a layer is written that gets a mask of steps where they are ``padded``, and of which ``several`` things are
    needed; None of one of Keras's own."""
    import keras

    kind = type(layer).__name__
    if type(layer) is keras.layers.Embedding:
        return Own((EMBEDDING,), lambda _: [repr(layer.input_dim), repr(layer.output_dim), named(layer)])
    if type(layer) is keras.layers.SpatialDropout2D:
        drawn = f'seed_of("layer", 0, {literal(layer.path or layer.name)}, 0)'
        return Own((chance.SPATIAL,), lambda _: [repr(layer.rate), drawn])
    if not type(layer).__module__.startswith("kpipe.layers."):
        return None
    if kind == "LastState":
        return Own((BOTH_ENDS if layer.both_directions else LAST_STATE,))
    if kind == "MaskedPooling":
        return Own((MEAN if layer.how == "mean" else MAX,))
    if kind == "TokenMask":
        return Own((THERE_OR_FIRST if layer.at_least_one else THERE,))
    if kind == "EncoderBlock":
        return Own(transformer.encoder(layer), of_block)
    if kind == "DecoderBlock":
        return Own(transformer.decoder(layer), of_block)
    if kind == "RecurrentDecoder":
        return Own((EMBEDDING, *recurrent_decoder.written(layer)), of_decoder)
    if kind == "TokenEmbedding" and several:
        return Own((around.EMBEDDED_AND_TABLE,), WRITTEN[kind].arguments)
    if kind == "AttentionPooling" and not padded:
        return Own((ATTENTION_POOLING_OF_ALL,), WRITTEN[kind].arguments)
    if kind == "Corruption":
        return Own((damage.CODES[layer.kind],), damage.arguments)
    if kind == "ClassToken":
        code = around.CLASSED_BEFORE_MASK if padded else around.CLASSED
        return Own((code,), lambda _: [named(layer)])
    return WRITTEN.get(kind)


def does_nothing(layer: Any) -> bool:
    import keras

    linear = type(layer) is keras.layers.Activation and layer.get_config()["activation"] == "linear"
    return linear or type(layer) is keras.layers.Identity


def named(layer: Any) -> str:
    return f"name={literal(layer.name)}"


def of_block(block: Any) -> list[str]:
    width = block.attention.width
    return [repr(width), repr(block.own["num_heads"]), repr(block.own["units"]), named(block)]


def of_decoder(layer: Any) -> list[str]:
    fields = ("vocabulary_size", "embedding", "units", "layers")
    return [*(repr(layer.fields[name]) for name in fields), named(layer)]


WRITTEN: Mapping[str, Own] = {
    "AttentionPooling": Own((ATTENTION_POOLING,), lambda layer: [repr(layer.units), named(layer)]),
    "Sparsity": Own((damage.SPARSITY,), lambda layer: [repr(layer.penalty), named(layer)]),
    "TiedDense": Own((damage.TIED,), damage.arguments_of_tied),
    "Learned": Own((around.LEARNED,), lambda layer: [repr(layer.length), named(layer)]),
    "Patches": Own((around.PATCHES,), lambda layer: [repr(layer.size)]),
    "TokenScores": Own((around.SCORES,)),
    "Sinusoidal": Own((transformer.ANGLES, around.SINUSOIDAL)),
    "TokenEmbedding": Own((around.EMBEDDED,), lambda layer: [repr(layer.tokens), repr(layer.width), named(layer)]),
}
