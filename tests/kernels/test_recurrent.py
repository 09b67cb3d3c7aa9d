"""Recurrent layers by PyTorch's fused kernels: Keras's own numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

TOLERANCE = 1e-6

pytestmark = pytest.mark.usefixtures("torch_only")
CELLS = ("LSTM", "GRU", "SimpleRNN")
BATCH, TIME, FEATURES, UNITS = 4, 7, 3, 5


def a_mask(form: str, rng: np.random.Generator, time: int) -> np.ndarray | None:
    steps, number = np.arange(time)[None], rng.integers(0, time + 1, (BATCH, 1))
    forms = {"right": steps < number, "left": steps >= number, "middle": rng.random((BATCH, time)) < 0.6}
    return forms.get(form)


def network(cell: str, around: bool, masked: bool, started: bool, **fields: Any) -> Any:
    """Inputs, a mask if there is one, and first states if there are any -> all that the layer gives."""
    import keras

    x = keras.Input((None, FEATURES))
    inputs, given = [x], {}
    if masked:
        inputs.append(given.setdefault("mask", keras.Input((None,), dtype="bool")))
    if started:
        number = (2 if cell == "LSTM" else 1) * (2 if around else 1)
        given["initial_state"] = [keras.Input((UNITS,)) for _ in range(number)]
        inputs += given["initial_state"]
    layer = getattr(keras.layers, cell)(UNITS, bias_initializer="random_normal", seed=1, name="cell", **fields)
    if around:
        layer = keras.layers.Bidirectional(layer, name="both")
    return keras.Model(inputs, layer(x, **given))


def pair(cell: str, around: bool, masked: bool, started: bool, **fields: Any) -> tuple[Any, Any]:
    """The same network with the kernels and without."""
    import keras

    from kpipe.kernels.take import take_kernels, words_of

    ours, kerass = (network(cell, around, masked, started, **fields) for _ in range(2))
    rng = np.random.default_rng(2)
    weights = [rng.normal(0, 0.5, one.shape).astype("float32") for one in ours.get_weights()]
    ours.set_weights(weights)
    kerass.set_weights(weights)
    take_kernels(ours)
    assert "recurrent layers" in words_of(ours)
    assert isinstance(ours, keras.Model)
    return ours, kerass


def inputs_of(model: Any, form: str, seed: int = 3, time: int = TIME) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = [(BATCH, *(time if side is None else side for side in one.shape[1:])) for one in model.inputs]
    found = [rng.normal(size=shape).astype("float32") for shape in shapes]
    mask = a_mask(form, rng, time)
    if mask is not None:
        found[1] = mask
    return found


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    cell=some.sampled_from(CELLS),
    direction=some.sampled_from(["forward", "backward", "both"]),
    form=some.sampled_from(["none", "right", "left", "middle"]),
    started=some.booleans(),
    sequences=some.booleans(),
    states=some.booleans(),
    bias=some.booleans(),
    time=some.integers(1, 9),
    seed=some.integers(0, 9),
)
def test_outputs_and_gradients_are_those_of_kerass_loop(
    cell: str, direction: str, form: str, started: bool, sequences: bool, states: bool, bias: bool, time: int,
    seed: int, pass_through: Any, check_close: Any,
) -> None:  # fmt: skip
    fields = {"return_sequences": sequences, "return_state": states, "use_bias": bias}
    fields["go_backwards"] = direction == "backward"
    ours, kerass = pair(cell, direction == "both", form != "none", started, **fields)
    inputs = inputs_of(ours, form, seed, time)
    check_close(pass_through(ours, inputs), pass_through(kerass, inputs), TOLERANCE)


@pytest.mark.parametrize("cell", CELLS)
def test_dropout_of_inputs_is_kerass(cell: str, pass_through: Any, check_close: Any) -> None:
    ours, kerass = pair(cell, False, True, False, dropout=0.4, return_sequences=True)
    inputs = inputs_of(ours, "right")
    mine, theirs = pass_through(ours, inputs, True), pass_through(kerass, inputs, True)
    check_close(mine, theirs, TOLERANCE)
    assert np.abs(mine[0][0] - pass_through(ours, inputs)[0][0]).max() > 0.01


@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_dropout_leaves_training_to_kerass_loop(cell: str, pass_through: Any, check_close: Any) -> None:
    from kpipe.kernels.take import words_of

    ours, kerass = pair(cell, False, True, False, recurrent_dropout=0.5, return_sequences=True)
    inputs = inputs_of(ours, "left")
    for training in (True, False):
        check_close(pass_through(ours, inputs, training), pass_through(kerass, inputs, training), TOLERANCE)
    assert words_of(ours)["recurrent layers"].endswith("Keras's loop in training, as of `recurrent_dropout`")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    ("policy", "tolerance"), [("float64", 1e-6), ("mixed_bfloat16", 0.05), ("mixed_float16", 5e-3)]
)
def test_other_precisions(cell: str, policy: str, tolerance: float, pass_through: Any, check_close: Any) -> None:
    """Keras's loop rounds to float32 on its way, even where all else is float64."""
    ours, kerass = pair(cell, False, True, False, dtype=policy, return_sequences=True)
    inputs = inputs_of(ours, "right")
    check_close(pass_through(ours, inputs), pass_through(kerass, inputs), tolerance)


@pytest.mark.parametrize(
    "fields",
    [{"activation": "relu"}, {"recurrent_activation": "hard_sigmoid"}, {"unroll": True}, {"use_cudnn": False}],
    ids=str,
)
def test_what_no_kernel_computes_is_left_to_keras(fields: dict[str, Any]) -> None:
    import keras

    from kpipe.kernels.take import take_kernels, words_of

    model = keras.Sequential([keras.Input((3, 2)), keras.layers.LSTM(4, **fields)])
    take_kernels(model)
    assert words_of(model) == {}
    assert "inner_loop" not in vars(model.layers[0])
