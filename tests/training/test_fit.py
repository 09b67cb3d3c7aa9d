"""What ``fit`` does with a model, on every backend."""

from __future__ import annotations

import math
import signal

import numpy as np
import pytest

from kpipe.data.splits import ArraySplit
from kpipe.errors import Diverged, WrongInput
from kpipe.signature import Feature, Signature, Target
from kpipe.training.fit import Fit

NUMBERS = Signature(
    inputs=(Feature(name="x", kind="vector", shape=(1,), dtype="float32"),),
    target=Target(name="y", task="values", names=("y",), mean=(0.0,), variance=(4.0,)),
)


def numbers(examples=23):
    x = np.linspace(-1, 1, examples, dtype="float32")[:, None]
    return ArraySplit({"x": x, "y": 3 * x + np.sin(9 * x)})


def line():
    """y = w x, beginning at w = 0."""
    import keras

    x = keras.Input((1,), name="x")
    return keras.Model(x, keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="y")(x))


def train_line(trial, written, split, seed=0):
    stage = trial.stage(seed=seed, folder=f"line {seed}")
    model = line()
    trained = Fit.model_validate({"restore_best": False, **written}).train(model, split, split, NUMBERS, stage)
    return float(model.get_weights()[0].item()), trained


def by_hand(split, epochs, batch_size, rate, seed=0):
    """Gradient descent in NumPy over the order that is promised; the loss is over the variance of the target, 4."""
    from kpipe.training.loop.batches import order

    x, y = split.arrays["x"].astype(float), split.arrays["y"].astype(float)
    weight = 0.0
    for epoch in range(epochs):
        indices = order(seed, 0, epoch, len(x), len(x))
        for begin in range(0, len(x), batch_size):
            one = indices[begin : begin + batch_size]
            weight -= rate * np.mean(2 * (weight * x[one] - y[one]) * x[one]) / 4.0
    return weight


def test_every_example_is_taken_once_an_epoch_in_the_promised_order(trial):
    # trap 5 (the same order every epoch) and trap 9 (stale batches): 20 small steps show any other order
    split = numbers(1290)  # 21 steps of 64 an epoch, the last of 10 examples
    found, trained = train_line(trial, {"epochs": 3, "optimizer": {"SGD": {"learning_rate": 1.5}}}, split)
    assert trained.steps == 63
    assert found == pytest.approx(by_hand(split, 3, 64, 1.5), rel=1e-5)
    other, _ = train_line(trial, {"epochs": 3, "optimizer": {"SGD": {"learning_rate": 1.5}}}, split, seed=1)
    assert other == pytest.approx(by_hand(split, 3, 64, 1.5, seed=1), rel=1e-5)
    assert abs(other - found) > 1e-3


def test_steps_per_epoch_bounds_an_epoch_and_goes_around(trial, seen):
    watcher = seen()
    _, trained = trial.fit({"epochs": 2, "steps_per_epoch": 6}, watcher)  # 6 x 64 of 224 examples
    assert watcher.stages == [("fit", 2, 6)]
    assert [row.step for row in trained.history] == [6, 12]
    assert [one[:2] for one in watcher.steps] == [(epoch, step) for epoch in (1, 2) for step in range(1, 7)]


def test_watchers_see_running_means_and_rows(trial, seen):
    watcher = seen()
    _, trained = trial.fit({"epochs": 2, "optimizer": {"Adam": {"learning_rate": 0.01}}}, watcher)
    assert watcher.rows == list(trained.history)
    assert len(watcher.steps) == 8
    first, second = trained.history
    assert set(first.logs) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert watcher.steps[3][2]["loss"] == pytest.approx(first.logs["loss"])
    assert second.logs["loss"] < first.logs["loss"]
    assert first.seconds > 0
    assert first.examples_per_second > 224 / first.seconds
    assert first.learning_rate == pytest.approx(0.01)


def test_the_best_weights_stay(trial, split_of_digits):
    written = {"epochs": 6, "optimizer": {"SGD": {"learning_rate": 2.5}}}
    model, trained = trial.fit(written)
    values = [row.logs["val_loss"] for row in trained.history]
    assert trained.best_epoch == int(np.argmin(values)) + 1
    assert evaluated(model, split_of_digits(224, 320)) == pytest.approx(min(values), rel=1e-5)


def test_the_last_weights_stay_where_that_is_asked(trial, split_of_digits):
    model, trained = trial.fit({"epochs": 6, "restore_best": False, "optimizer": {"SGD": {"learning_rate": 2.5}}})
    assert trained.best_epoch == 6
    assert evaluated(model, split_of_digits(224, 320)) == pytest.approx(trained.history[-1].logs["val_loss"], rel=1e-5)


def evaluated(model, split):
    return model.evaluate(split.arrays["image"], split.arrays["digit"], batch_size=96, verbose=0, return_dict=True)[
        "loss"
    ]


def test_averages_are_what_is_evaluated_and_kept(trial, split_of_digits, difference):
    optimizer = {"SGD": {"learning_rate": 0.5, "use_ema": True, "ema_momentum": 0.8}}
    averaged, trained = trial.fit({"epochs": 3, "restore_best": False, "optimizer": optimizer})
    assert evaluated(averaged, split_of_digits(224, 320)) == pytest.approx(
        trained.history[-1].logs["val_loss"], rel=1e-5
    )
    optimizer["SGD"].pop("use_ema")
    plain, without = trial.fit({"epochs": 3, "restore_best": False, "optimizer": optimizer}, folder="plain")
    assert difference(averaged, plain) > 1e-3
    # the averages do not disturb the weights they are averages of: the same training loss all along
    assert [row.logs["loss"] for row in trained.history] == [row.logs["loss"] for row in without.history]


def test_early_stopping(trial):
    stop = {"monitor": "val_accuracy", "patience": 2}
    _, trained = trial.fit({"epochs": 20, "optimizer": {"SGD": {"learning_rate": 1e-7}}, "early_stopping": stop})
    assert len(trained.history) == trained.best_epoch + 2 < 20


def test_a_schedule_reaches_the_optimizer(trial):
    schedule = {"type": "linear", "warmup": 2, "end": 0.5}
    written = {"epochs": 2, "optimizer": {"SGD": {"learning_rate": 0.4}}, "schedule": schedule}
    _, trained = trial.fit(written)
    # after 4 of 8 steps: 2 of the 6 that follow the warm-up; after 8: the end
    assert [row.learning_rate for row in trained.history] == pytest.approx([0.4 * (1 - 0.5 / 3), 0.2])


def test_a_schedule_counts_batches_also_where_gradients_are_accumulated(trial):
    optimizer = {"SGD": {"learning_rate": 0.4, "gradient_accumulation_steps": 2}}
    _, trained = trial.fit({"epochs": 2, "optimizer": optimizer, "schedule": {"type": "linear"}})
    assert [row.learning_rate for row in trained.history] == pytest.approx([0.2, 0.0])


def test_a_keras_schedule_in_the_optimizer(trial):
    decay = {"ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 4, "decay_rate": 0.5}}
    _, trained = trial.fit({"epochs": 2, "optimizer": {"SGD": {"learning_rate": decay}}})
    assert [row.learning_rate for row in trained.history] == pytest.approx([0.05, 0.025])


@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_clipping_bounds_a_step(trial, clip):
    split = numbers(64)
    found, _ = train_line(trial, {"epochs": 1, "optimizer": {"SGD": {"learning_rate": 1.0, clip: 0.01}}}, split)
    assert found == pytest.approx(0.01, rel=1e-4)


def test_accumulation_is_one_step_over_all_batches(trial):
    split = numbers(128)
    optimizer = {"SGD": {"learning_rate": 1.5, "gradient_accumulation_steps": 2}}
    found, _ = train_line(trial, {"epochs": 1, "optimizer": optimizer}, split)
    assert found == pytest.approx(by_hand(split, 1, 128, 1.5), rel=1e-5)


def test_a_loss_that_is_not_finite_stops_with_all_that_is_known(trial):
    split = numbers(640)
    split.arrays["x"][:] *= 100
    with pytest.raises(Diverged) as caught:
        train_line(trial, {"epochs": 3, "optimizer": {"SGD": {"learning_rate": 1e9}}}, split)
    assert "loss became" in caught.value.message
    assert "epoch 1, step " in caught.value.message
    assert "at learning rate 1e+09" in caught.value.message
    assert "global_clipnorm" in caught.value.hint


def test_the_step_of_the_accident_is_found_although_steps_are_looked_at_seldom(trial, monkeypatch):
    from kpipe.training.loop import conductor
    from kpipe.training.loop.batches import order

    monkeypatch.setattr(conductor, "LOOK_SECONDS", 1e9)
    split = numbers(640)
    split.arrays["y"][order(0, 0, 0, 640, 640)[64 * 4 + 5]] = np.inf  # in the fifth step
    with pytest.raises(Diverged, match="loss became inf in epoch 1, step 5,"):
        train_line(trial, {"epochs": 1, "optimizer": {"SGD": {"learning_rate": 0.1}}}, split)


def test_a_validation_loss_that_is_not_finite_stops_too(trial):
    held_out = numbers()
    held_out.arrays["y"][3] = np.nan
    fit = Fit.model_validate({"epochs": 2, "optimizer": {"SGD": {"learning_rate": 0.1}}})
    with pytest.raises(Diverged, match="val_loss became nan in epoch 1"):
        fit.train(line(), numbers(), held_out, NUMBERS, trial.stage())


def test_class_weights_and_smoothing_change_what_is_learned(trial, difference):
    plain, _ = trial.fit({"epochs": 1}, folder="plain")
    weighted, _ = trial.fit({"epochs": 1, "class_weight": {"3": 20.0}}, folder="weighted")
    smoothed, _ = trial.fit({"epochs": 1, "label_smoothing": 0.3}, folder="smoothed")
    assert difference(plain, weighted) > 1e-4
    assert difference(plain, smoothed) > 1e-4


def test_frozen_layers_stay_and_thaw_in_the_next_stage(trial, fresh_model):
    # trap 7: each stage compiles anew
    model = fresh_model()
    before = model.get_weights()
    trial.fit({"epochs": 2, "trainable": ["digit", "norm*"]}, model=model)
    between = model.get_weights()
    trial.fit({"epochs": 2}, model=model, index=1)
    changed = {
        weight.path: (not np.array_equal(a, b), not np.array_equal(b, c))
        for weight, a, b, c in zip(model.weights, before, between, model.get_weights(), strict=True)
    }
    assert changed["hidden/kernel"] == (False, True)
    assert changed["digit/kernel"] == (True, True)
    assert changed["normalization/gamma"] == (True, True)
    assert all(layer.trainable for layer in model.layers)


def test_the_loss_and_metrics_can_be_named(trial):
    written = {
        "epochs": 1,
        "loss": {"SparseCategoricalCrossentropy": {"from_logits": True}},
        "metrics": [{"SparseTopKCategoricalAccuracy": {"k": 3, "name": "top3"}}],
        "early_stopping": {"monitor": "val_top3"},
    }
    _, trained = trial.fit(written)
    assert set(trained.history[0].logs) == {"loss", "top3", "val_loss", "val_top3"}


def test_several_labels(trial, fresh_model, split_of_digits):
    import keras

    digits = split_of_digits(0, 224).arrays
    images = digits["image"]
    labels = np.stack([digits["digit"] > 4, digits["digit"] % 2 == 1], 1).astype("float32")
    signature = Signature(
        inputs=(Feature(name="image", kind="image", shape=(8, 8, 1), dtype="uint8"),),
        target=Target(name="facts", task="labels", names=("large", "odd")),
    )
    split = ArraySplit({"image": images, "facts": labels})
    model = fresh_model("facts", 2)
    written = {"epochs": 12, "optimizer": {"Adam": {"learning_rate": 0.02}}, "label_smoothing": 0.05}
    trained = Fit.model_validate(written).train(model, split, split, signature, trial.stage())
    assert trained.history[-1].logs["val_accuracy"] > trained.history[0].logs["val_accuracy"]
    probabilities = keras.ops.convert_to_numpy(keras.ops.sigmoid(model(images, training=False)))
    assert np.mean((probabilities > 0.5) == labels) == pytest.approx(
        trained.history[trained.best_epoch - 1].logs["val_accuracy"]
    )


def test_two_inputs(trial):
    import keras

    signature = Signature(
        inputs=(
            Feature(name="a", kind="vector", shape=(1,), dtype="float32"),
            Feature(name="b", kind="vector", shape=(2,), dtype="float32"),
        ),
        target=NUMBERS.target,
    )
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(100, 1)).astype("float32"), rng.normal(size=(100, 2)).astype("float32")
    split = ArraySplit({"a": a, "b": b, "y": a + b[:, :1]})
    inputs = {"a": keras.Input((1,), name="a"), "b": keras.Input((2,), name="b")}
    model = keras.Model(
        inputs,
        keras.layers.Dense(1, kernel_initializer="zeros", name="y")(keras.layers.Concatenate()([*inputs.values()])),
    )
    written = {"epochs": 30, "optimizer": {"Adam": {"learning_rate": 0.1}}}
    trained = Fit.model_validate(written).train(model, split, split, signature, trial.stage())
    assert trained.history[-1].logs["mae"] < 0.1


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_trains_with_float32_weights(trial, policy):
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        written = {"epochs": 3, "optimizer": {"Adam": {"learning_rate": 0.02}}, "schedule": {"type": "cosine"}}
        model, trained = trial.fit(written)
    finally:
        keras.config.set_dtype_policy(before)
    scaled = type(model.optimizer).__name__ == "LossScaleOptimizer"
    assert scaled == (policy == "mixed_float16")
    losses = [row.logs["loss"] for row in trained.history]
    assert math.isfinite(losses[-1])
    assert losses[-1] < losses[0]
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert trained.history[0].learning_rate == pytest.approx(0.02 * 0.75)


def test_gradients_of_an_embedding_are_added_up_before_they_are_squared(trial):
    # trap 1: Adagrad's accumulator of a row that two examples share holds (g1 + g2)^2, not g1^2 + g2^2
    import keras

    signature = Signature(
        inputs=(Feature(name="x", kind="vector", shape=(1,), dtype="float32"),), target=NUMBERS.target
    )
    x = keras.Input((1,), name="x")
    rows = keras.layers.Embedding(3, 1, embeddings_initializer="zeros", name="rows")(keras.ops.cast(x, "int32"))
    model = keras.Model(x, keras.layers.Flatten()(rows))
    split = ArraySplit({"x": np.float32([[1], [1], [2]]), "y": np.float32([[3], [1], [2]])})
    optimizer = {"Adagrad": {"learning_rate": 0.5, "initial_accumulator_value": 0.0, "epsilon": 1e-12}}
    fit = Fit.model_validate({"epochs": 1, "restore_best": False, "optimizer": optimizer})
    fit.train(model, split, split, signature, trial.stage())
    accumulator = np.array(keras.ops.convert_to_numpy(model.optimizer.variables[-1])).ravel()
    gradient = np.array([0, -2 * (3 + 1), -2 * 2]) / 3 / 4.0  # mean of three, over the variance
    assert accumulator == pytest.approx(gradient**2, rel=1e-5)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"early_stopping": {"monitor": "val_acuracy"}}, "did you mean `val_accuracy`"),
        ({"class_weight": {"11": 2.0}}, "no class `11`"),
        ({"trainable": ["conv*"]}, "no layer matches `conv\\*`"),
    ],
)
def test_what_does_not_fit_the_model_or_data_is_said_before_training(trial, seen, written, message):
    watcher = seen()
    with pytest.raises(WrongInput, match=message):
        trial.fit(written, watcher)
    assert watcher.stages == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_smoothing_of_values_is_refused_before_an_engine_starts():
    with pytest.raises(WrongInput, match="label_smoothing"):
        Fit(label_smoothing=0.1).check(NUMBERS)


def test_layers_behind_one_another_draw_differently_and_runs_draw_the_same(trial, difference):
    one, _ = trial.fit({"epochs": 1}, folder="one")
    again, _ = trial.fit({"epochs": 1}, folder="again")
    other, _ = trial.fit({"epochs": 1}, folder="other", seed=1)
    assert difference(one, again) == 0.0
    assert difference(one, other) > 1e-3
