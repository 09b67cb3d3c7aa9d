"""RecurrentDecoder: a recurrent network that writes a text as code, with what its settings need and nothing else."""

from __future__ import annotations

from typing import Any

ADDITIVE = '''
class Alignment(layers.Layer):
    """The mean of the steps that were read, weighed by v . tanh(W written + U read)."""

    def __init__(self, units, name):
        super().__init__(name=name)
        self.query = layers.Dense(units, name="query")
        self.key = layers.Dense(units, use_bias=False, name="key")
        self.weigh = layers.Dense(1, use_bias=False, name="weigh")

    def call(self, queries, memory, there):
        scores = self.weigh(ops.tanh(self.query(queries)[:, :, None] + self.key(memory)[:, None]))[..., 0]
        weights = ops.softmax(ops.where(there[:, None], scores, -1e9), axis=-1)
        return ops.einsum("bts,bsm->btm", ops.where(there[:, None], weights, 0.0), memory)
'''

GENERAL = '''
class Alignment(layers.Layer):
    """The mean of the steps that were read, weighed by written . U read."""

    def __init__(self, units, name):
        super().__init__(name=name)
        self.key = layers.Dense(units, use_bias=False, name="key")

    def call(self, queries, memory, there):
        scores = ops.einsum("btu,bsu->bts", queries, self.key(memory))
        weights = ops.softmax(ops.where(there[:, None], scores, -1e9), axis=-1)
        return ops.einsum("bts,bsm->btm", ops.where(there[:, None], weights, 0.0), memory)
'''

DOT = '''
class Alignment(layers.Layer):
    """The mean of the steps that were read, weighed by written . read."""

    def call(self, queries, memory, there):
        scores = ops.einsum("btu,bsu->bts", queries, memory)
        weights = ops.softmax(ops.where(there[:, None], scores, -1e9), axis=-1)
        return ops.einsum("bts,bsm->btm", ops.where(there[:, None], weights, 0.0), memory)
'''

ALIGNMENTS = {"additive": ADDITIVE, "dot": DOT, "general": GENERAL}

DECODER = '''
class Decoder(layers.Layer):
    """Writes a text token by token, from the last states of who read it{{ ", looking back" if score }}."""

    def __init__(self, tokens, embedding, units, number, name):
        super().__init__(name=name)
        self.embed = Embedding(tokens, embedding, name="target_embedding")
        places = range(1, number + 1)
        self.recurrent = [layers.{{ cell }}(units, return_sequences=True, name=f"decoder{place}") for place in places]
{% if rate %}
        self.drops = [Dropout({{ rate }}, seed_of("layer", 0, f"decoder{place}_dropout", 0)) for place in places]
        self.drop_last = Dropout({{ rate }}, seed_of("layer", 0, "output_dropout", 0))
{% endif %}
{% if score %}
        self.alignment = Alignment({{ "" if score == "dot" else "units, " }}name="attention")
        self.combine = layers.Dense(units, activation="tanh", name="combine")
{% endif %}
        self.scores = layers.Dense(tokens, name="logits")
{% if samples %}
        self.coins = keras.random.SeedGenerator(seed_of("layer", 0, name, 0))
        self.share = self.add_weight(shape=(), initializer="ones", trainable=False, name="share")  # of true tokens
{% endif %}

    def call(self, previous, states{{ memory }}{{ ", training=False" if samples }}):
{% if samples %}
        if training:
            return self.by_itself(previous, states{{ memory }})
{% endif %}
        x = self.embed(previous)
{% if rate %}
        for layer, drop, state in zip(self.recurrent, self.drops, states, strict=True):
            x = layer(drop(x), initial_state=state)
{% else %}
        for layer, state in zip(self.recurrent, states, strict=True):
            x = layer(x, initial_state=state)
{% endif %}
{% if score %}
        x = self.look(x, memory, there)
{% endif %}
        return self.scores({{ "self.drop_last(x)" if rate else "x" }})
{% if score %}

    def look(self, x, memory, there{{ ", keys=None" if keys }}):
        return self.combine(ops.concatenate([self.alignment(x, memory, there{{ ", keys" if keys }}), x], axis=-1))
{% endif %}
{% if samples %}

    def by_itself(self, previous, states{{ memory }}):
        """Step by step: as a coin falls, each token is the true one or the most probable of the step before."""
        batch, length = ops.shape(previous)
        true, units = ops.transpose(previous), self.recurrent[-1].units
{% if keys %}
        keys = self.alignment.key(memory)  # once for all steps
{% endif %}
        coins = ops.cast(shifted(words((length, batch), self.coins.next()), 8), "float32") * 2.0**-24  # in [0, 1)
{% if rate %}
        sizes = [self.embed.output_dim, *(layer.units for layer in self.recurrent)]
        kept = [
            drop(ops.ones((length, batch, size)), training=True)
            for drop, size in zip([*self.drops, self.drop_last], sizes, strict=True)
        ]
{% endif %}

        def advance(carry, step):
            own, _, states = carry
            fed = ops.where(ops.take(coins, step, axis=0) < self.share, ops.take(true, step, axis=0), own)
            x, after = self.embed(fed), []
{% if rate %}
            *drops, drop_last = (ops.take(each, step, axis=0) for each in kept)
            for layer, drop, state in zip(self.recurrent, drops, states, strict=True):
                x, state = layer.cell(x * drop, state)
                after.append(state)
{% else %}
            for layer, state in zip(self.recurrent, states, strict=True):
                x, state = layer.cell(x, state)
                after.append(state)
{% endif %}
{% if score %}
            x = self.look(x[:, None], memory, there{{ ", keys" if keys }})[:, 0]
{% endif %}
{% if rate %}
            x = x * drop_last
{% endif %}
            own = ops.cast(ops.argmax(ops.stop_gradient(self.scores(x)), axis=-1), "int32")
            return (own, x, after), (own, x, after)

        begun = (true[0], ops.zeros((batch, units)), [list(state) for state in states])
        _, (_, x, _) = ops.scan(advance, begun, ops.arange(length))
        return self.scores(ops.transpose(ops.reshape(x, (length, batch, units)), (1, 0, 2)))
{% endif %}
'''


def written(layer: Any) -> tuple[str, ...]:
    """The decoder, and what it is made of before it."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(trim_blocks=True, undefined=StrictUndefined)  # noqa: S701  # Python, not HTML
    fields, score = layer.fields, layer.fields["attention"]
    keys = layer.sampling and score in ("additive", "general")
    code = environment.from_string(DECODER).render(
        cell=fields["cell"].upper(),
        score=score,
        keys=keys,
        rate=fields["dropout"],
        samples=layer.sampling,
        memory=", memory, there" if score else "",
    )
    return (*([alignment(score, keys)] if score else []), code)


def alignment(score: str, keys: bool) -> str:
    """The attention; with ``keys`` it may be given what of the steps that were read is the same at each step."""
    code = ALIGNMENTS[score]
    if not keys:
        return code
    given = "memory, there, keys=None):\n        keys = self.key(memory) if keys is None else keys\n"
    return code.replace("self.key(memory)", "keys").replace("memory, there):\n", given)
