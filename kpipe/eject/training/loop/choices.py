"""What `fit` may choose of batches and loss as code: steps of an epoch, weights of classes, smoothed labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kpipe.eject.section import Section
from kpipe.eject.training.loop import averages, descent
from kpipe.eject.words import changed, literal

if TYPE_CHECKING:
    from kpipe.signature import Target, Task
    from kpipe.training.fit import Fit

ONE_PASS = descent.BATCHES[descent.BATCHES.index("        generator = ") : descent.BATCHES.index("            rows = ")]
"""The order of an epoch that is one pass over the examples."""

STEPS = """        passes = range(math.ceil(STEPS * BATCH_SIZE / len(x)))
        generators = [np.random.Generator(np.random.PCG64(seed_of("order", stage, epoch, one))) for one in passes]
        order = np.concatenate([generator.permutation(len(x)) for generator in generators])
        for start in range(0, STEPS * BATCH_SIZE, BATCH_SIZE):
"""

PLACES = "for place in generator.permutation(len(found))"

PADDED_STEPS = """        found = []
        while len(found) < STEPS:
            generator = np.random.default_rng(seed_of("order", stage, epoch, len(found)))
            some = [
                (rows, length)
                for length, group in by_length(x)
                for rows in filled(group[generator.permutation(len(group))])
            ]
            found += [some[place] for place in generator.permutation(len(some))]
"""

GIVEN = " y[rows]\n"
GIVEN_WEIGHTED = " y[rows], class_weights[y[rows]]\n"

TAKEN = "            yield taken(x, y, *found[place])\n"
TAKEN_WEIGHTED = """            given, answers = taken(x, y, *found[place])
            yield given, answers, class_weights[answers]
"""

BALANCED = """counts = np.bincount({answers})
class_weights = (counts.sum() / (len(counts) * counts)).astype("float32")  # each class has the same say"""

SMOOTHED = '''
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy with targets of which a share is spread evenly over all classes."""

    def call(self, y_true, y_pred):
        losses = keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
        uniform = ops.mean(ops.log_softmax(y_pred, axis=-1), axis=-1)
        return (1 - LABEL_SMOOTHING) * losses - LABEL_SMOOTHING * uniform
'''

ALSO_UNIFORM = """        uniform = ops.mean(ops.log_softmax(y_pred, axis=-1), axis=-1)
        losses = (1 - LABEL_SMOOTHING) * losses - LABEL_SMOOTHING * uniform
"""

CAST = "        there = ops.cast(there, losses.dtype)\n"
MEAN = '"""The mean over the answers that are there."""'


def smoothed(task: Task) -> str:
    """The loss of smoothed labels, where nothing is padded."""
    if task == "labels":
        return "keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=LABEL_SMOOTHING)"
    return "SmoothedCrossentropy()"


def section(method: Fit, loss: str) -> Section:
    """The constants of these choices, and the classes that they and the ``loss`` need."""
    constants = [f"STEPS = {method.steps_per_epoch}  # of an epoch"] * (method.steps_per_epoch is not None)
    constants += [f"LABEL_SMOOTHING = {method.label_smoothing!r}"] * bool(method.label_smoothing)
    classes = [SMOOTHED] * (loss == "SmoothedCrossentropy()")
    classes += [averages.callback(method)] * averages.averages(method)
    imports = ("from keras import ops",) * bool(classes)
    return Section("\n\n\n".join(each.strip("\n") for each in classes), imports, tuple(constants))


def of_batches(method: Fit) -> bool:
    """Whether batches are others than where nothing is chosen."""
    return method.steps_per_epoch is not None or method.class_weight is not None


def steps(method: Fit) -> dict[str, str]:
    """The argument of Keras's ``fit``, where it is not one pass."""
    return {} if method.steps_per_epoch is None else {"steps_per_epoch": "STEPS"}


def batches(code: str, method: Fit, is_padded: bool) -> str:
    """The code of batches and loss, with the steps, weights and smoothed labels of ``method``."""
    if method.class_weight is not None:
        code = changed(code, (TAKEN, TAKEN_WEIGHTED)) if is_padded else changed(code, (GIVEN, GIVEN_WEIGHTED))
    if method.steps_per_epoch is not None and is_padded:
        begin, end = code.index("        generator = "), code.index("\n\n\nclass Weighted")
        given = code[code.index("        for place in", begin) : code.index("\n\n\ndef steps")]
        steps = changed(given, (PLACES, "for place in found[:STEPS]"), ("*found[place]", "*place"))
        code = code[:begin] + PADDED_STEPS + steps + code[end:]
    elif method.steps_per_epoch is not None:
        code = changed(code, (ONE_PASS, STEPS))
    if method.label_smoothing and is_padded:
        told = '"""The mean over the answers that are there, of which a share is spread evenly over all classes."""'
        code = changed(code, (CAST, ALSO_UNIFORM + CAST), (MEAN, told))
    return code


def weights(method: Fit, target: Target) -> str:
    """The line that says how much each class counts."""
    if method.class_weight == "balanced":
        return BALANCED.format(answers="y_train" if target.task == "classes" else "np.concatenate(y_train)")
    assert isinstance(method.class_weight, dict)
    counted = [float(method.class_weight.get(name, 1.0)) for name in target.names]
    return f'class_weights = np.array({literal(counted)}, "float32")  # in the order of CLASSES'
