from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kpipe.errors import WrongInput
from kpipe.models.rnn import RNN
from kpipe.parts import parts_of
from kpipe.signature import Feature, Signature, Target

Make = Callable[..., Signature]
SERIES = Signature(
    inputs=(
        Feature(
            name="sequence", kind="sequence", shape=(7, 2), dtype="float32", mean=(1.0, -2.0), variance=(4.0, 9.0),
            columns=("load", "heat"),
        ),
    ),
    target=Target(task="forecast", names=("heat",), horizon=3, mean=(-2.0,), variance=(9.0,)),
)  # fmt: skip


def numbers(tensor: Any) -> np.ndarray:
    import keras

    return np.array(keras.ops.convert_to_numpy(tensor))


def tokens(size: int = 3, length: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(4, 12, (size, length)).astype("int32")


def problems(fields: dict[str, Any], kind: Any, task: Any) -> list[tuple[Any, str]]:
    return [(problem.path, problem.message) for problem in RNN.model_validate(fields).misfits(kind, task)]


def test_what_does_not_go_together_is_known_before_loading() -> None:
    ((path, message),) = problems({"bidirectional": True}, "tokens", "next_token")
    assert path == ("bidirectional",)
    assert "sees the next token" in message
    ((path, message),) = problems({"pooling": "mean"}, None, "tags")
    assert path == ("pooling",)
    ((path, message),) = problems({"forecast": "changes"}, "sequence", "classes")
    assert path == ("forecast",)
    assert not problems({"bidirectional": True, "pooling": "mean"}, "tokens", None)


def test_changes_of_what_is_not_seen_are_refused(signature_of: Make) -> None:
    with pytest.raises(WrongInput, match="the input holds no `heat`"):
        RNN(forecast="changes").check(signature_of("sequence", "forecast"))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"cell": "simple"}, (5 + 8 + 1) * 8),
        ({"cell": "lstm"}, 4 * (5 + 8 + 1) * 8),
        ({"cell": "gru"}, 3 * (5 + 8 + 2) * 8),  # Keras's GRU has two biases
        ({"cell": "lstm", "bidirectional": True}, 2 * 4 * (5 + 8 + 1) * 8),
        ({"cell": "lstm", "units": [8, 8]}, 4 * (5 + 8 + 1) * 8 + 4 * (8 + 8 + 1) * 8),
        ({"cell": "lstm", "residual": True}, 4 * (5 + 8 + 1) * 8 + 5 * 8),
    ],
)
def test_parameters_are_those_of_the_definition(
    backend: str, signature_of: Make, fields: dict[str, Any], expected: int
) -> None:
    model = RNN.model_validate({"units": [8], "embedding": 5, **fields}).build(signature_of("tokens", "tags"))
    ends = model.get_layer("embedding").count_params() + model.get_layer("target").count_params()
    assert model.count_params() - ends == expected


def test_an_image_is_read_row_by_row(backend: str, signature_of: Make) -> None:
    model = RNN(units=(4,)).build(signature_of("image", "classes"))
    assert model.get_layer("rows").output.shape == (None, 12, 10)
    assert model.get_layer("lstm1").output.shape == (None, 12, 4)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_last_is_the_end_of_each_direction(backend: str, signature_of: Make, bidirectional: bool) -> None:
    import keras

    given = tokens()
    given[1, 4:] = 0
    model = RNN(units=(4,), bidirectional=bidirectional).build(signature_of("tokens", "classes"))
    steps = keras.Model(model.input, model.get_layer("lstm1").output)
    pooled = keras.Model(model.input, model.get_layer("last_state").output)
    every, last = numbers(steps(given)), numbers(pooled(given))
    ends = np.stack([every[0, 5], every[1, 3], every[2, 5]])
    if bidirectional:
        ends[:, 4:] = every[:, 0, 4:]
    np.testing.assert_allclose(last, ends, atol=1e-6)


@pytest.mark.parametrize("how", ["mean", "max"])
def test_pooling_is_over_real_steps(backend: str, signature_of: Make, how: Any) -> None:
    import keras

    given = tokens()
    given[1, 2:] = 0
    model = RNN(units=(4,), pooling=how).build(signature_of("tokens", "classes"))
    every = numbers(keras.Model(model.input, model.get_layer("lstm1").output)(given))
    pooled = numbers(keras.Model(model.input, model.get_layer(f"{how}_pooling").output)(given))
    expected = [getattr(row[:length], how)(axis=0) for row, length in zip(every, (6, 2, 6), strict=True)]
    np.testing.assert_allclose(pooled, expected, atol=1e-6)


def test_attention_weighs_real_steps_and_sums_to_one(backend: str, signature_of: Make) -> None:
    given = tokens()
    given[1, 2:] = 0
    model = RNN(units=(4,), pooling="attention").build(signature_of("tokens", "classes"))
    attention = parts_of(model).attention
    assert attention is not None
    (weights,) = (numbers(found) for found in attention(given).values())
    assert weights.shape == (3, 1, 1, 6)
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0, rtol=1e-5)
    assert (weights[1, 0, 0, 2:] == 0).all()


@pytest.mark.parametrize(
    "fields",
    [
        {"cell": "lstm", "units": [6, 6], "residual": True, "recurrent_dropout": 0.3, "dropout": 0.3},
        {"cell": "gru", "units": [6]},
        {"cell": "simple", "units": [6, 4], "residual": True, "recurrent_dropout": 0.3},
    ],
)
def test_one_step_at_a_time_gives_the_same_logits(backend: str, signature_of: Make, fields: dict[str, Any]) -> None:
    given = tokens()
    model = RNN.model_validate(fields).build(signature_of("tokens", "next_token"))
    stepper = parts_of(model).stepper
    assert stepper is not None
    state = stepper.start({"tokens": given}, 6)
    found = []
    for position in range(6):
        logits, state = stepper.step(given[:, position], position, state)
        found.append(numbers(logits))
    np.testing.assert_allclose(np.stack(found, axis=1), numbers(model(given, training=False)), atol=1e-5)


def test_the_stepper_runs_in_a_compiled_loop(backend: str, signature_of: Make) -> None:
    from keras import ops

    model = RNN(cell="simple", recurrent_dropout=0.3).build(signature_of("tokens", "next_token"))
    stepper, given = parts_of(model).stepper, tokens(length=1)
    assert stepper is not None

    def body(position: Any, last: Any, state: Any) -> Any:
        logits, state = stepper.step(last, position, state)
        return position + 1, ops.cast(ops.argmax(logits[:, 4:], axis=-1) + 4, "int32"), state

    start = (0, ops.convert_to_tensor(given[:, 0]), stepper.start({"tokens": given}, 4))
    _, last, _ = ops.while_loop(lambda position, *_: position < 4, body, start)
    expected = given[:, 0]
    for _ in range(4):  # the same, by hand; no padding is chosen
        before = expected if expected.ndim == 2 else expected[:, None]
        logits = numbers(model(before, training=False))[:, -1]
        expected = np.concatenate([before, logits[:, 4:].argmax(axis=-1)[:, None].astype("int32") + 4], axis=1)
    np.testing.assert_array_equal(numbers(last), expected[:, -1])


def test_both_directions_drop_different_units(backend: str, signature_of: Make) -> None:
    from kpipe.training.loop.seeds import reseed

    fields = {"units": [4], "bidirectional": True, "recurrent_dropout": 0.5}
    model = RNN.model_validate(fields).build(signature_of("tokens", "classes"))
    reseed(model, 0, "fit")
    seeds = [
        int(numbers(generator.state)[0]) for layer in model._flatten_layers() for generator in layer._seed_generators
    ]
    assert len(seeds) >= 2
    assert len(set(seeds)) == len(seeds)
    first, second = (numbers(model(tokens(), training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 1e-4
    np.testing.assert_array_equal(numbers(model(tokens())), numbers(model(tokens())))


def test_an_untrained_forecast_is_near_the_mean(backend: str) -> None:
    given = np.full((2, 7, 2), (1.0, -2.0), "float32")  # the means of train: zeros once scaled
    np.testing.assert_allclose(numbers(RNN().build(SERIES)(given)), -2.0, atol=1e-5)


def test_changes_move_with_the_level_of_the_series(backend: str, tmp_path: Any) -> None:
    import keras

    given = np.random.default_rng(0).normal(size=(3, 7, 2)).astype("float32")
    model = RNN(forecast="changes").build(SERIES)
    before, after = numbers(model(given)), numbers(model(given + np.array([50, 100], "float32")))
    assert before.shape == (3, 3, 1)
    np.testing.assert_allclose(after, before + 100.0, atol=1e-3)
    assert model.layers[-1].name == "target"
    model.save(tmp_path / "model.keras")
    np.testing.assert_allclose(numbers(keras.saving.load_model(tmp_path / "model.keras")(given)), before, atol=1e-6)
