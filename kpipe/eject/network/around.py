"""Around: what a Transformer has before and after its layers as code: tokens, squares of images, positions, scores."""

from __future__ import annotations

from kpipe.eject.words import changed

SINUSOIDAL = '''
class Positions(layers.Layer):
    """Adds sines and cosines of the position."""

    def call(self, x):
        angles = angles_of(ops.shape(x)[1], x.shape[-1] // 2)
        waves = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)
        return x + ops.reshape(waves, (1, -1, x.shape[-1]))
'''

LEARNED = '''
class Positions(layers.Layer):
    """Adds a learned vector for each position."""

    def __init__(self, length, name):
        super().__init__(name=name)
        self.length = length

    def build(self, shape):
        self.vectors = self.add_weight(shape=(self.length, shape[-1]), name="vectors")

    def call(self, x):
        return x + ops.take(self.vectors, ops.arange(ops.shape(x)[1]), axis=0)
'''

PATCHES = '''
class Patches(layers.Layer):
    """An image cut into squares, row by row: (height, width, channels) -> (squares, numbers of each)."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def call(self, images):
        height, width, channels = images.shape[1:]
        rows, columns, size = height // self.size, width // self.size, self.size
        cut = ops.transpose(ops.reshape(images, (-1, rows, size, columns, size, channels)), (0, 1, 3, 2, 4, 5))
        return ops.reshape(cut, (-1, rows * columns, size * size * channels))
'''

CLASSED = '''
class ClassToken(layers.Layer):
    """A learned step before all others, where the answer is read."""

    def build(self, shape):
        self.vector = self.add_weight(shape=(1, 1, shape[-1]), name="vector")

    def call(self, x):
        first = ops.broadcast_to(self.vector, (ops.shape(x)[0], 1, x.shape[-1]))
        return ops.concatenate([first, x], axis=1)
'''

CLASSED_BEFORE_MASK = '''
class ClassToken(layers.Layer):
    """A learned step before all others, where the answer is read; it is always there."""

    def build(self, x_shape, there_shape):
        self.vector = self.add_weight(shape=(1, 1, x_shape[-1]), name="vector")

    def call(self, x, there):
        batch = ops.shape(x)[0]
        x = ops.concatenate([ops.broadcast_to(self.vector, (batch, 1, x.shape[-1])), x], axis=1)
        return x, ops.concatenate([ops.ones((batch, 1), "bool"), there], axis=1)
'''

EMBEDDED = '''
class TokenEmbedding(layers.Layer):
    """A learned vector for each token, times sqrt(width)."""

    def __init__(self, tokens, width, name):
        super().__init__(name=name)
        self.tokens, self.width = tokens, width

    def build(self, _):
        self.table = self.add_weight(shape=(self.tokens, self.width), name="table")

    def call(self, tokens):
        # times 1, for then TensorFlow's gradient is whole, as elsewhere, and moments and norms of it are right
        return ops.take(self.table * 1.0, tokens, axis=0) * self.width**0.5
'''

SCORES = '''
class TokenScores(layers.Layer):
    """Logits of each token: the product with its vector in the table of an embedding."""

    def call(self, x, table):
        return ops.matmul(x, ops.transpose(table))
'''

EMBEDDED_AND_TABLE = changed(
    EMBEDDED,
    ("sqrt(width).", "sqrt(width), and all of them."),
    (
        "return ops.take(self.table * 1.0, tokens, axis=0) * self.width**0.5",
        "table = self.table * 1.0\n        return ops.take(table, tokens, axis=0) * self.width**0.5, table",
    ),
)
