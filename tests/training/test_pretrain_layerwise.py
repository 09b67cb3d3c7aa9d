"""Autoencoders trained one after the other: what each learns, its curves, and going on in the middle of any."""

from __future__ import annotations

import numpy as np
import pytest

from kpipe.errors import Interrupted, WrongInput
from kpipe.parts import parts_of
from kpipe.training.fit import Fit
from kpipe.training.pretrain_layerwise import PretrainLayerwise

ADAM = {"Adam": {"learning_rate": 0.01}}
PRETRAIN = PretrainLayerwise.model_validate({"epochs": 2, "optimizer": ADAM})
END_TO_END = Fit.model_validate({"epochs": 2, "optimizer": ADAM, "objective": "reconstruction"})
FINE_TUNE = Fit.model_validate({"epochs": 2, "optimizer": ADAM, "trainable": ["code", "digit"]})
ALL = (PRETRAIN, END_TO_END, FINE_TUNE)


def weights(model):
    return {weight.path: np.array(weight.numpy() if hasattr(weight, "numpy") else weight) for weight in model.weights}


def logs(history):
    return [(row.stage, row.epoch, row.step, dict(row.logs)) for row in history]


def images(split_of_digits, begin=0, end=224):
    return split_of_digits(begin, end).arrays["image"]


def test_each_layer_has_curves_of_its_own_and_steps_count_on(trial, seen, fresh_stack):
    watcher = seen()
    _, history = trial.stages(fresh_stack(), ALL, watcher)
    assert [(row.stage, row.epoch, row.step) for row in history] == [
        ("1-pretrain_layerwise/dense1", 1, 4), ("1-pretrain_layerwise/dense1", 2, 8),
        ("1-pretrain_layerwise/code", 1, 12), ("1-pretrain_layerwise/code", 2, 16),
        ("2-fit", 1, 20), ("2-fit", 2, 24),
        ("3-fit", 1, 28), ("3-fit", 2, 32),
    ]  # fmt: skip
    assert [name for name, _, _ in watcher.stages] == list(dict.fromkeys(row.stage for row in history))
    assert set(history[0].logs) == {"loss", "val_loss"}
    assert "val_accuracy" in history[-1].logs


def test_the_loss_is_the_error_over_the_variance_of_what_is_below(trial, fresh_stack, split_of_digits):
    import keras

    plain = {"corruption": None, "dropout": 0.0, "sparsity": 0.0}
    model, history = trial.stages(fresh_stack(**plain), [PRETRAIN])
    for level, before, row in zip(parts_of(model).stack.levels, history[::2], history[1::2], strict=True):
        below = keras.ops.convert_to_numpy(level.below(images(split_of_digits)))
        held_out = keras.ops.convert_to_numpy(level.below(images(split_of_digits, 224, 320)))
        error = (keras.ops.convert_to_numpy(level.autoencoder(held_out)) - held_out) ** 2
        assert row.logs["val_loss"] == pytest.approx(error.mean() / below.var(axis=0).mean(), rel=1e-4)
        assert row.logs["val_loss"] < 0.9 * before.logs["val_loss"]


def test_stopped_in_any_layer_and_stage_it_goes_on_exactly(trial, seen, fresh_stack, difference):
    straight, expected = trial.stages(fresh_stack(tied=True), ALL)
    for where, at in (("dense1", (2, 3)), ("code", (1, 2)), ("2-fit", (1, 3)), ("3-fit", (2, 1))):
        watcher = seen(stop_at=at, stop_in=where)
        with pytest.raises(Interrupted):
            trial.stages(fresh_stack(tied=True), ALL, watcher, folder="stopped")
        assert watcher.stages[-1][0].endswith(where)
    resumed, history = trial.stages(fresh_stack(tied=True), ALL, folder="stopped")
    assert logs(history) == logs(expected)
    assert difference(straight, resumed) == 0.0
    assert difference(*(parts_of(model).stack.autoencoder for model in (straight, resumed))) == 0.0


def test_the_layers_below_stay_as_they_are(trial, seen, fresh_stack, difference):
    model = fresh_stack()
    with pytest.raises(Interrupted):
        trial.stages(model, [PRETRAIN], seen(stop_at=(1, 1), stop_in="code"), folder="stopped")
    resumed, _ = trial.stages(fresh_stack(), [PRETRAIN], folder="stopped")
    first, second = (parts_of(each).stack.levels[0].autoencoder for each in (model, resumed))
    assert difference(first, second) == 0.0
    assert difference(model, resumed) > 0


def test_end_to_end_trains_what_the_target_is_then_read_from(trial, fresh_stack):
    model = fresh_stack()
    before = weights(model)
    trial.stages(model, [END_TO_END])
    changed = {path for path, value in weights(model).items() if (value != before[path]).any()}
    assert {path.split("/")[0] for path in changed} == {"dense1", "code"}


def test_only_some_layers_are_fine_tuned(trial, fresh_stack):
    model = fresh_stack()
    before = weights(model)
    trial.stages(model, [FINE_TUNE])
    changed = {path.split("/")[0] for path, value in weights(model).items() if (value != before[path]).any()}
    assert changed == {"code", "digit"}


def test_another_model_is_refused_in_words(trial, fresh_model):
    for method in (PRETRAIN, END_TO_END):
        with pytest.raises(WrongInput, match=f"`{method.type}` needs a model made of autoencoders") as caught:
            trial.train(method, model=fresh_model())
        assert "stacked_autoencoder" in caught.value.hint


def test_features_that_do_not_fit_into_memory_are_the_same(trial, fresh_stack, monkeypatch):
    from kpipe.training.loop import below

    _, expected = trial.stages(fresh_stack(), [PRETRAIN], folder="held")
    monkeypatch.setattr(below, "HELD_BYTES", 0)
    _, found = trial.stages(fresh_stack(), [PRETRAIN], folder="on disk")
    assert logs(found) == logs(expected)


def test_some_of_the_examples_hold_each_class_in_its_share(split_of_digits):
    from kpipe.signature import Target
    from kpipe.training.loop.subset import some

    split = split_of_digits(0, 320)
    target = Target(name="digit", task="classes", names=tuple("0123456789"))
    taken = some(split, 100, target, seed=3)
    counts = np.bincount(taken.take(np.arange(100))["digit"], minlength=10)
    share = np.bincount(split.arrays["digit"], minlength=10) * 100 / 320
    assert np.abs(counts - share).max() < 1
    assert (some(split, 100, target, seed=3).indices == taken.indices).all()
    assert (some(split, 100, target, seed=4).indices != taken.indices).any()
    assert len(some(split, 999, target, seed=3)) == 320
    values = target.model_copy(update={"task": "values"})
    assert len(np.unique(some(split, 100, values, seed=3).indices)) == 100


def test_fit_sees_no_other_example_than_those_asked_for(trial, seen, fresh_model):
    watcher = seen()
    trial.fit({"epochs": 2, "examples": 70, "class_weight": "balanced"}, watcher)
    assert watcher.stages == [("fit", 2, 2)]  # 64 and 6
