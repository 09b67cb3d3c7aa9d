"""What is compiled and how many steps a call makes: chosen by backend and layers, or as the YAML says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpipe.errors import WrongInput


def network(*kinds: str) -> Any:
    import keras

    made = {
        "turned": lambda: keras.layers.RandomRotation(0.1, seed=1, name="turned"),
        "convolution": lambda: keras.layers.Conv2D(2, 3, name="convolution"),
        "rows": lambda: keras.layers.Reshape((8, 8), name="rows"),
        "recurrent": lambda: keras.layers.Bidirectional(keras.layers.GRU(2), name="recurrent"),
        "flat": lambda: keras.layers.Flatten(name="flat"),
    }
    inputs = x = keras.Input((8, 8, 1), name="image")
    for kind in kinds:
        x = made[kind]()(x)
    return keras.Model(inputs, keras.layers.Dense(10, name="digit")(x))


@pytest.mark.parametrize(
    ("kinds", "steps", "expected", "why"),
    [
        (("convolution", "flat"), 5000, False, "slow for convolutions"),
        (("rows", "recurrent"), 5000, True, "recurrent layers take 0.6 of the time"),
        (("rows", "recurrent"), 50, False, "pays only from 1,000 steps of a length on"),
        (("flat",), 5000, False, "little to gain on a CPU"),
        (("turned", "flat"), 5000, False, "not possible for turned"),
    ],
)
def test_each_backend_compiles_what_is_faster(
    backend: str, kinds: tuple[str, ...], steps: int, expected: bool, why: str
) -> None:
    import keras

    from kpipe.training.loop.chosen import choose

    if backend == "tensorflow" and keras.distribution.list_devices("gpu"):
        pytest.skip("measured on a CPU")
    chosen = choose(network(*kinds), steps)
    assert chosen.jit_compile is {"tensorflow": expected, "jax": True, "torch": False}[backend]
    if backend == "tensorflow":
        assert why in chosen.words
        assert "steps an execution: up to 64" in chosen.words
    else:
        assert "steps an execution" not in chosen.words


def test_the_yaml_says_otherwise(backend: str) -> None:
    from kpipe.training.loop.chosen import choose

    chosen = choose(network("convolution", "flat"), 5000, jit_compile=backend == "tensorflow", steps_per_execution=7)
    assert chosen.jit_compile is (backend == "tensorflow")
    assert "as train.jit_compile says" in chosen.words
    if backend == "tensorflow":
        assert chosen.steps_per_execution == 7
        assert "steps an execution: 7 (as train.steps_per_execution says)" in chosen.words
    else:
        assert chosen.steps_per_execution == 1
        assert "train.steps_per_execution is for TensorFlow" in chosen.words


def test_what_cannot_be_compiled_is_refused_by_name(backend: str) -> None:
    from kpipe.training.loop.chosen import choose

    if backend == "jax":
        assert choose(network("turned", "flat"), 1, jit_compile=True).jit_compile
        return
    with pytest.raises(WrongInput, match=f"train.jit_compile: {backend} cannot compile turned") as refused:
        choose(network("turned", "flat"), 1, jit_compile=True)
    assert "jit_compile: auto" in str(refused.value.hint)


def test_training_is_compiled_as_chosen_also_with_images_that_are_turned(trial: Any, backend: str) -> None:
    import keras

    inputs = keras.Input((8, 8, 1), dtype="uint8", name="image")
    x = keras.layers.RandomRotation(0.1, seed=1, name="turned")(keras.layers.Rescaling(1 / 16, name="scaled")(inputs))
    digit = keras.layers.Dense(10, kernel_initializer="zeros", name="digit")  # the same start after whatever test
    model = keras.Model(inputs, digit(keras.layers.Flatten(name="flat")(x)))
    _, trained = trial.fit({"epochs": 6}, model=model)
    assert model.jit_compile is (backend == "jax")  # Keras alone would train it without on JAX, four times slower
    assert trained.history[-1].logs["loss"] < trained.history[0].logs["loss"]


def test_features_for_the_next_level_are_compiled_on_jax(backend: str, tmp_path: Path) -> None:
    import keras

    from kpipe.signature import Feature, Signature, Target
    from kpipe.training.loop.below import NAME, Features, features

    inputs = keras.Input((6,), name="inputs")
    below = keras.Model(inputs, keras.layers.Dense(3, name="code")(inputs))
    signature = Signature(
        inputs=(Feature(name=NAME, kind="vector", shape=(6,), dtype="float32"),),
        target=Target(name=NAME, task="reconstruction", names=("feature",), variance=(1.0,)),
    )
    rows = np.random.default_rng(0).normal(size=(10, 6)).astype("float32")
    found = features(below, Features(rows), signature, 4, tmp_path / "features")
    assert below.jit_compile is (backend == "jax")
    kernel, bias = (keras.ops.convert_to_numpy(weight) for weight in below.weights)
    assert np.allclose(found, rows @ kernel + bias, atol=1e-5)


def test_recurrent_networks_with_masks_learn_the_same_with_xla(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend != "tensorflow":
        pytest.skip("a choice on TensorFlow alone")
    from kpipe.pipeline import Pipeline, build, load_splits
    from kpipe.stages import train
    from kpipe.training.loop import several

    graph_of, used, losses = several.graph_of, [], []
    monkeypatch.setattr(several, "graph_of", lambda model: used.append(model.jit_compile) or graph_of(model))
    for compiled in (False, True):
        fit = {"type": "fit", "epochs": 2, "jit_compile": compiled, "optimizer": {"SGD": {"learning_rate": 0.1}}}
        written = {
            "name": "small",
            "data": {
                "type": "procedural", "dataset": "reverse", "examples": 120, "max_letters": 4, "batch_size": 32,
            },
            "model": {"type": "encoder_decoder", "cell": "gru", "units": 4, "embedding": 4},
            "train": fit,
        }  # fmt: skip
        pipeline = Pipeline.model_validate(written)
        splits = load_splits(pipeline)
        network = build(pipeline, splits.signature)
        draw = np.random.default_rng(0)
        for weight in network.trainable_weights:
            weight.assign(draw.normal(scale=0.3, size=weight.shape))
        history, _ = train(pipeline, network, splits, tmp_path / str(compiled), ())
        assert network.jit_compile is False  # validation and evaluation compile nothing
        losses.append([row.logs[name] for row in history for name in ("loss", "val_loss")])
    assert used == [False, True]
    assert np.allclose(*losses, rtol=1e-4)
