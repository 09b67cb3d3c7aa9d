"""Averages as code: those that an optimizer with `use_ema` keeps of the weights are measured, and kept."""

from __future__ import annotations

from kpipe.training.gradient_descent import GradientDescent

SWAP = '''
class Averages(keras.callbacks.{parent}):
    """The optimizer's averages take the weights' place in what is measured{kept}."""

    def swap(self, logs=None):
        optimizer = self.model.optimizer
        pairs = zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True)
        for weight, average in pairs:
            held = np.array(ops.convert_to_numpy(weight))
            weight.assign(average)
            average.assign(held)

    on_test_begin = on_test_end = swap
'''

KEPT = """
    def on_epoch_end(self, epoch, logs=None):
        self.swap()
        super().on_epoch_end(epoch, logs)
        self.swap()
"""


def averages(method: GradientDescent) -> bool:
    return bool(method.optimizer.arguments.get("use_ema"))


def callback(method: GradientDescent) -> str:
    """A callback that puts the averages in place, and if need be keeps the best of them."""
    if method.early_stopping is None and not method.restore_best:
        return SWAP.format(parent="Callback", kept="")
    return SWAP.format(parent="EarlyStopping", kept=", and are kept of the best epoch") + KEPT
