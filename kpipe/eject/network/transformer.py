"""Transformer: the layers of a Transformer as code, each as its settings make it."""

from __future__ import annotations

from typing import Any

from kpipe.eject.words import changed

ATTENTION = '''
class Attention(layers.Layer):
    """Multi-head attention: softmax(Q K^T / sqrt(head size)) V in each head, then one projection of all heads."""

    def __init__(self, width, num_heads, name):
        super().__init__(name=name)
        self.num_heads = num_heads
        self.query, self.key, self.value, self.combined = (
            layers.Dense(width, use_bias=False, name=name) for name in ("query", "key", "value", "combined")
        )

    def call(self, x, memory, allowed=None):
        """``allowed`` says which step of ``x`` may look at which of ``memory``: (batch, 1, steps, steps)."""
        queries, keys, values = self.heads(self.query(x)), self.heads(self.key(memory)), self.heads(self.value(memory))
{turned}        scores = ops.einsum("bhqd,bhkd->bhqk", queries, keys) * queries.shape[-1] ** -0.5
        if allowed is not None:
            scores = ops.where(allowed, scores, -1e9)
        mixed = ops.einsum("bhqk,bhkd->bhqd", ops.softmax(scores, axis=-1), values)
        return self.combined(ops.reshape(ops.transpose(mixed, (0, 2, 1, 3)), ops.shape(x)))

    def heads(self, x):
        """(batch, time, width) -> (batch, heads, time, head size)"""
        batch, time, width = ops.shape(x)
        split = ops.reshape(x, (batch, time, self.num_heads, width // self.num_heads))
        return ops.transpose(split, (0, 2, 1, 3))
'''

TURN = """        if self.name == "self_attention":  # positions in two texts say nothing of each other
            queries, keys = turned(queries), turned(keys)
"""

TURNED = '''
def turned(x):
    """Each pair of numbers turned by an angle that grows with the position: products then know the distance alone."""
    half = x.shape[-1] // 2
    angles = angles_of(ops.shape(x)[2], half)
    sine, cosine, one, other = ops.sin(angles), ops.cos(angles), x[..., :half], x[..., half:]
    return ops.concatenate([one * cosine - other * sine, one * sine + other * cosine], axis=-1)
'''

ANGLES = """
def angles_of(time, half):
    rates = 10_000.0 ** (-ops.arange(half, dtype="float32") / half)
    return ops.arange(time, dtype="float32")[:, None] * rates
"""

FEED_FORWARD = '''
class FeedForward(layers.Layer):
    """Two dense layers, the same at every step."""

    def __init__(self, width, units, name):
        super().__init__(name=name)
        self.inner, self.outer = layers.Dense(units, name="inner"), layers.Dense(width, name="outer")

    def call(self, x):
        return self.outer({activated})
'''

SWIGLU = '''
class FeedForward(layers.Layer):
    """(silu(x W) * x V) U, the same at every step."""

    def __init__(self, width, units, name):
        super().__init__(name=name)
        self.inner = layers.Dense(units, use_bias=False, name="inner")
        self.gate = layers.Dense(units, use_bias=False, name="gate")
        self.outer = layers.Dense(width, use_bias=False, name="outer")

    def call(self, x):
        return self.outer(ops.silu(self.gate(x)) * self.inner(x))
'''

ACTIVATED = {"gelu": "ops.gelu(self.inner(x), approximate=False)", "relu": "ops.relu(self.inner(x))"}

ENCODER = '''
class EncoderBlock(layers.Layer):
    """Every step looks at every other that is there."""

    def __init__(self, width, num_heads, units, name):
        super().__init__(name=name)
        self.attention = Attention(width, num_heads, name="self_attention")
        self.feed_forward = FeedForward(width, units, name="feed_forward")
        self.norm1, self.norm2 = (layers.LayerNormalization(epsilon=1e-6) for _ in range(2))
{dropouts}
    def call(self, x, there=None):
        allowed = None if there is None else there[:, None, None]
'''

ALONE = changed(
    ENCODER,
    ("Encoder", "Decoder"),
    ("every other that is there", "those up to itself"),
    (
        """x, there=None):
        allowed = None if there is None else there[:, None, None]
""",
        """x):
        steps = ops.arange(ops.shape(x)[1])
        allowed = (steps[:, None] >= steps)[None, None]
""",
    ),
)

DECODER = '''
class DecoderBlock(layers.Layer):
    """Each step looks at those up to itself, then at what was read."""

    def __init__(self, width, num_heads, units, name):
        super().__init__(name=name)
        self.attention = Attention(width, num_heads, name="self_attention")
        self.cross_attention = Attention(width, num_heads, name="cross_attention")
        self.feed_forward = FeedForward(width, units, name="feed_forward")
        self.norm1, self.norm2, self.norm3 = (layers.LayerNormalization(epsilon=1e-6) for _ in range(3))
{dropouts}
    def call(self, x, memory, there):
        steps = ops.arange(ops.shape(x)[1])
        before = (steps[:, None] >= steps)[None, None]
'''

DECODER_PRE = """        normed = self.norm1(x)
        x = x + {one}self.attention(normed, normed, before){closed}
        x = x + {two}self.cross_attention(self.norm2(x), memory, there[:, None, None]){closed}
        return x + {three}self.feed_forward(self.norm3(x)){closed}
"""

DECODER_POST = """        x = self.norm1(x + {one}self.attention(x, x, before){closed})
        x = self.norm2(x + {two}self.cross_attention(x, memory, there[:, None, None]){closed})
        return self.norm3(x + {three}self.feed_forward(x){closed})
"""

PRE = """        normed = self.norm1(x)
        x = x + {one}self.attention(normed, normed, allowed){closed}
        return x + {two}self.feed_forward(self.norm2(x)){closed}
"""

POST = """        x = self.norm1(x + {one}self.attention(x, x, allowed){closed})
        return self.norm2(x + {two}self.feed_forward(x){closed})
"""

DROPOUTS = """        self.dropout1, self.dropout2 = (
            Dropout({rate}, seed_of("layer", 0, f"{{name}}/around_{{part}}/dropout", 0))
            for part in ("self_attention", "feed_forward")
        )
"""


def encoder(block: Any, template: str = ENCODER) -> tuple[str, ...]:
    """A layer of the encoder, and what it is made of."""
    own = block.own
    rate = own["dropout"]
    one, two, closed = ("self.dropout1(", "self.dropout2(", ")") if rate else ("", "", "")
    body = (PRE if own["norm"] == "pre" else POST).format(one=one, two=two, closed=closed)
    code = template.replace("{dropouts}", DROPOUTS.format(rate=repr(rate)) if rate else "") + body
    return (*attention(own["rotary"]), feed_forward(own["activation"]), code)


def decoder(block: Any) -> tuple[str, ...]:
    """A layer of the decoder; of one alone, which reads nothing, an encoder's where steps look back."""
    own = block.own
    if not own["cross"]:
        return encoder(block, ALONE)
    rate, closed = own["dropout"], ")" if own["dropout"] else ""
    names = [f"self.dropout{number}(" if rate else "" for number in (1, 2, 3)]
    body = DECODER_PRE if own["norm"] == "pre" else DECODER_POST
    third = ("self.dropout2 =", "self.dropout2, self.dropout3 =")
    its_part = ('"self_attention", ', '"self_attention", "cross_attention", ')
    drops = changed(DROPOUTS.format(rate=repr(rate)), third, its_part) if rate else ""
    code = DECODER.replace("{dropouts}", drops) + body.format(one=names[0], two=names[1], three=names[2], closed=closed)
    return (*attention(own["rotary"]), feed_forward(own["activation"]), code)


def attention(rotary: bool) -> tuple[str, ...]:
    code = ATTENTION.replace("{turned}", TURN if rotary else "")
    return (ANGLES, TURNED, code) if rotary else (code,)


def feed_forward(activation: str) -> str:
    return SWIGLU if activation == "swiglu" else FEED_FORWARD.replace("{activated}", ACTIVATED[activation])
