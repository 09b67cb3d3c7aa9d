"""Padded: texts of different lengths as code: batches of a few lengths, and what looks away where nothing is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpipe.data.splits import RaggedSplit
from kpipe.eject.section import Section
from kpipe.eject.words import assigned

if TYPE_CHECKING:
    from kpipe.data.splits import Splits

LENGTHS = '''
def by_length(x):
    """The texts that are padded to each of the lengths; no batch holds texts of two of them."""
    needed = np.searchsorted(LENGTHS, [len(text) for text in x])
    groups = [(length, np.flatnonzero(needed == place)) for place, length in enumerate(LENGTHS)]
    return [(length, group) for length, group in groups if len(group)]


def filled(rows):
    """Batches of one size; what the last one lacks are rows of -1, which are not there and count in nothing."""
    return np.append(rows, np.full(-len(rows) % BATCH_SIZE, -1)).reshape(-1, BATCH_SIZE)


def padded(texts, rows, length, padding):
    """Some texts as an array (rows, length)."""
    array = np.full((len(rows), length), padding, "int32")
    for place, row in enumerate(rows):
        if row >= 0:
            array[place, : len(texts[row])] = texts[row]
    return array
'''

BATCHES = '''
def taken(x, y, rows, length):
    """A batch; -1 stands where there is no answer."""
    return padded(x, rows, length, 0), {answers}


def batches(x, y, stage):
    """Batches without end: each epoch in an order of its own, that depends on the seed alone."""
    for epoch in itertools.count():
        generator = np.random.default_rng(seed_of("order", stage, epoch, 0))
        found = [
            (rows, length)
            for length, group in by_length(x)
            for rows in filled(group[generator.permutation(len(group))])
        ]
        for place in generator.permutation(len(found)):
            yield taken(x, y, *found[place])


def steps(x):
    """The batches of an epoch."""
    return sum(math.ceil(len(group) / BATCH_SIZE) for _, group in by_length(x))


class Weighted(keras.utils.PyDataset):
    """All batches in order, weighted so that Keras's mean over them is the mean over all answers."""

    def __init__(self, x, y):
        super().__init__()
        self.found = [taken(x, y, rows, length) for length, group in by_length(x) for rows in filled(group)]
        self.there = [(answers != -1).sum() for _, answers in self.found]

    def __len__(self):
        return len(self.found)

    def __getitem__(self, index):
        given, answers = self.found[index]
        weight = len(self.found) * self.there[index] / sum(self.there)
        return given, answers, np.full(answers.shape, weight, "float32")


def of_any_length(make):
    """TensorFlow is told that batches are of several lengths; the others find out."""
    if keras.backend.backend() != "tensorflow":
        return make()
    import tensorflow as tf

    first = next(iter(make()))
    specs = tf.nest.map_structure(lambda array: tf.TensorSpec([None] * array.ndim, array.dtype), first)
    return tf.data.Dataset.from_generator(make, output_signature=specs)


class MaskedCrossentropy(keras.losses.Loss):
    """The mean over the answers that are there."""

    def __call__(self, y_true, y_pred, sample_weight=None):
        return super().__call__(y_true, ops.copy(y_pred), sample_weight)  # a copy has no mask that Keras would apply

    def call(self, y_true, y_pred):
        there = ops.not_equal(y_true, -1)
        true = ops.where(there, y_true, ops.zeros_like(y_true))
        losses = keras.losses.sparse_categorical_crossentropy(true, y_pred, from_logits=True)
        there = ops.cast(there, losses.dtype)
        return losses * there * (ops.cast(ops.size(there), losses.dtype) / ops.maximum(ops.sum(there), 1.0))


class MaskedAccuracy(keras.metrics.SparseCategoricalAccuracy):
    """Over the answers that are there."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        true, scores = ops.reshape(y_true, (-1,)), ops.reshape(y_pred, (-1, y_pred.shape[-1]))
        super().update_state(ops.maximum(true, 0), scores, sample_weight=ops.not_equal(true, -1))
'''

PREDICT = '''
def predict(x):
    """What the network says of each text."""
    outputs = [None] * len(x)
    for length, group in by_length(x):
        for rows in filled(group):
            for row, output in zip(rows, model.predict_on_batch(padded(x, rows, length, 0)), strict=True):
                if row >= 0:
                    outputs[row] = output{cut}
    return outputs


logits = np.{joined}(predict(x_test)).astype("float64")
'''


NEXT_TOKENS = """
right, losses = [], []
for length, group in by_length(x_test):
    for rows in filled(group):
        for row, output in zip(rows, model.predict_on_batch(padded(x_test, rows, length, 0)), strict=True):
            if row >= 0:
                logits, truth = output[: len(y_test[row])].astype("float64"), y_test[row]
                losses.extend(np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(truth)), truth])
                right.extend(logits.argmax(axis=1) == truth)
"""

TAKEN_PAIRS = '''
def before(answers):
    """What stands before each token of a text that is written: 2, its start, then the tokens themselves."""
    return np.pad(np.maximum(answers, 0)[:, :-1], ((0, 0), (1, 0)), constant_values=2)


def taken(x, y, rows, length):
    """A batch: what is read, and what stands before each answer; -1 stands where there is none."""
    answers = padded(y, rows, WRITTEN[length], -1)
    return (padded(x, rows, length, 0), before(answers)), answers
'''

LOGITS_OF_PAIRS = '''
def predict(x, y):
    """What the network says of each step of a text, given the true ones before."""
    outputs = [None] * len(x)
    for length, group in by_length(x):
        for rows in filled(group):
            for row, output in zip(rows, model.predict_on_batch(taken(x, y, rows, length)[0]), strict=True):
                if row >= 0:
                    outputs[row] = output[: len(y[row])]
    return outputs


logits = np.concatenate(predict(x_test, y_test)).astype("float64")
'''


def batches(splits: Splits) -> Section:
    """Batches for training and validation, and the loss over the answers in them."""
    assert isinstance(splits.train, RaggedSplit)
    buckets, target = [bucket.lengths for bucket in splits.train.buckets], splits.signature.target
    lengths = [bucket[splits.signature.input.name] for bucket in buckets]
    constants = [assigned("LENGTHS", lengths)]
    answers = "padded(y, rows, length, -1)" if target.is_per_step else "np.where(rows < 0, -1, y[rows])"
    code = BATCHES.replace("{answers}", answers)
    if target.task == "text":
        written = [bucket["target"] for bucket in buckets]
        constants.append(
            f"WRITTEN = {dict(zip(lengths, written, strict=True))}  # lengths of what is written for these"
        )
        code = TAKEN_PAIRS + "\n\n" + BATCHES[BATCHES.index("def batches") :]
    return Section(
        LENGTHS + "\n" + code, ("import itertools", "import math", "from keras import ops"), tuple(constants)
    )


def logits(splits: Splits) -> str:
    """``logits`` of all answers of test (answers, classes), and the true ones beside them."""
    if splits.signature.target.task == "text":
        return LOGITS_OF_PAIRS
    if splits.signature.target.task == "next_token":
        return NEXT_TOKENS
    if not splits.signature.target.is_per_step:
        return PREDICT.replace("{cut}", "").replace("{joined}", "stack")
    code = PREDICT.replace("{cut}", "[: len(x[row])]").replace("{joined}", "concatenate")
    return code + "y_test = np.concatenate(y_test)  # of all steps, as the logits are\n"
