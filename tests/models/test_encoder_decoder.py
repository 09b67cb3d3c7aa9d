"""The recurrent encoder-decoder: what is masked, what attention adds, and training on its own tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kpipe.errors import SpecError, WrongInput
from kpipe.models.encoder_decoder import EncoderDecoder
from kpipe.parts import parts_of
from kpipe.spec.check import checked
from kpipe.spec.document import document_of
from kpipe.tokenization.special import IGNORED, PADDING

ATTENTIONS = ("none", "additive", "general", "dot")


def build(signature_of: Any, **fields: Any) -> Any:
    small = {"units": 8, "embedding": 5, "bidirectional": fields.get("attention") != "dot"}
    return EncoderDecoder.model_validate({**small, **fields}).build(signature_of("tokens", "text"))


def numbers(tensor: Any) -> np.ndarray:
    import keras

    return np.array(keras.ops.convert_to_numpy(tensor))


def batch(padding: int = 0) -> dict[str, np.ndarray]:
    """Three texts, the last one without a source; with so many steps of padding more than needed."""
    generator = np.random.default_rng(0)
    found = {}
    for name, lengths in (("tokens", (5, 3, 0)), ("previous", (4, 2, 3))):
        tokens = generator.integers(4, 12, (3, max(lengths)))
        there = np.arange(max(lengths)) < np.array(lengths)[:, None]
        found[name] = np.pad(np.where(there, tokens, PADDING), ((0, 0), (0, padding))).astype("int32")
    return found


def targets(previous: np.ndarray) -> np.ndarray:
    return np.where(previous == PADDING, IGNORED, (previous + 3) % 8 + 4).astype("int32")


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_padding_and_rows_of_only_padding_change_neither_outputs_nor_gradients(
    backend: str, signature_of: Any, learner: Any, attention: str
) -> None:
    from kpipe.training.loop.losses import loss_of
    from kpipe.training.loop.masking import MaskedLoss

    model = build(signature_of, attention=attention, cell="lstm" if attention == "none" else "gru")
    learn = learner(model, MaskedLoss(loss_of(signature_of("tokens", "text").target), discrete=True))
    short = batch()
    long = {name: np.concatenate([tokens, np.zeros_like(tokens[:1])]) for name, tokens in batch(padding=3).items()}
    one, other = learn(short, targets(short["previous"])), learn(long, targets(long["previous"]))
    assert np.isfinite(other.outputs).all()
    np.testing.assert_allclose(other.outputs[:3, :4], one.outputs, atol=1e-6)
    for gradient, padded in zip(one.gradients, other.gradients, strict=True):
        assert np.isfinite(gradient).all()
        np.testing.assert_allclose(padded, gradient, atol=1e-6)


def test_nothing_is_seen_of_the_tokens_to_come(backend: str, signature_of: Any) -> None:
    model, inputs = build(signature_of), batch()
    before = numbers(model(inputs))
    inputs["previous"][:, 2:] = 7
    np.testing.assert_allclose(numbers(model(inputs))[:, :2], before[:, :2], atol=1e-6)


@pytest.mark.parametrize("attention", ["additive", "general", "dot"])
def test_attention_maps_sum_to_one_over_the_source(backend: str, signature_of: Any, attention: str) -> None:
    model, inputs = build(signature_of, attention=attention), batch()
    maps = parts_of(model).attention
    assert maps is not None
    weights = numbers(maps(inputs)["attention"])
    assert weights.shape == (3, 1, 4, 5)
    np.testing.assert_allclose(weights[:2].sum(axis=-1), 1.0, atol=1e-6)
    assert (weights[1, 0, :, 3:] == 0).all()
    assert (weights[2] == 0).all()


def test_without_attention_there_are_no_maps(backend: str, signature_of: Any) -> None:
    assert parts_of(build(signature_of, attention="none")).attention is None


def test_scores_are_what_the_docstring_says(backend: str) -> None:
    from kpipe.layers.alignment import Alignment

    generator = np.random.default_rng(2)
    queries, memory = (generator.normal(size=(1, steps, 3)).astype("float32") for steps in (2, 4))
    there = np.array([[True, True, True, False]])
    for score in ("additive", "dot", "general"):
        layer = Alignment(3, score)
        layer.build(queries.shape, memory.shape)
        context, weights = layer(queries, memory, layer.keys(memory), there)
        keys = memory[0] if score == "dot" else memory[0] @ numbers(layer.key.kernel)
        if score == "additive":
            asked = queries[0] @ numbers(layer.query.kernel) + numbers(layer.query.bias)
            scores = np.tanh(asked[:, None] + keys[None]) @ numbers(layer.weigh.kernel)[:, 0]
        else:
            scores = queries[0] @ keys.T
        expected = np.exp(scores) * there[0]
        expected /= expected.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(numbers(weights)[0], expected, atol=1e-5)
        np.testing.assert_allclose(numbers(context)[0], expected @ memory[0], atol=1e-5)


def test_the_number_of_weights_is_what_the_definition_gives(backend: str, signature_of: Any) -> None:
    model = build(signature_of, cell="gru", units=8, embedding=5, attention="additive")
    embeddings = 12 * 5 * 2
    encoder = 2 * 3 * (5 * 8 + 8 * 8 + 2 * 8)
    start = 16 * 8 + 8
    decoder = 3 * (5 * 8 + 8 * 8 + 2 * 8)
    attention = 16 * 8 + (8 * 8 + 8) + 8
    combine = (16 + 8) * 8 + 8
    logits = 8 * 12 + 12
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == (
        embeddings + encoder + start + decoder + attention + combine + logits
    )


# ---- training on its own tokens


def training_logits(model: Any, inputs: dict[str, np.ndarray], share: float, sampling: bool = True) -> np.ndarray:
    decoder = parts_of(model).teacher_forcing
    assert decoder is not None
    decoder.sampling = sampling
    decoder.teacher_forcing.assign(share)
    return numbers(model(inputs, training=True))


@pytest.mark.parametrize("attention", ["none", "additive"])
def test_step_by_step_with_true_tokens_is_the_same_as_all_at_once(
    backend: str, signature_of: Any, attention: str
) -> None:
    model, inputs = build(signature_of, attention=attention, layers=2, cell="lstm"), batch()
    steps = training_logits(model, inputs, 1.0)
    np.testing.assert_allclose(steps, training_logits(model, inputs, 1.0, sampling=False), atol=1e-6)


def test_with_its_own_tokens_alone_only_the_first_true_one_counts(backend: str, signature_of: Any) -> None:
    model, inputs = build(signature_of), batch()
    alone = training_logits(model, inputs, 0.0)
    fed = inputs["previous"][:, :1]
    for _ in range(3):  # what it writes, one token at a time, from the first true one on
        logits = numbers(model({"tokens": inputs["tokens"], "previous": fed}))
        fed = np.concatenate([fed, logits[:, -1:].argmax(axis=-1).astype("int32")], axis=1)
    logits = numbers(model({"tokens": inputs["tokens"], "previous": fed}))
    np.testing.assert_allclose(alone, logits, atol=1e-5)
    inputs["previous"][:, 1:] = 5
    np.testing.assert_allclose(training_logits(model, inputs, 0.0), alone, atol=1e-6)


def test_dropout_drops_in_training_alone_in_both_ways(backend: str, signature_of: Any) -> None:
    model, inputs = build(signature_of, dropout=0.5, layers=2), batch()
    calm = numbers(model(inputs))
    np.testing.assert_array_equal(numbers(model(inputs)), calm)
    for sampling in (True, False):
        assert np.abs(training_logits(model, inputs, 1.0, sampling) - calm).max() > 1e-3


def test_dot_in_two_directions_is_refused() -> None:
    wrong = {"type": "encoder_decoder", "attention": "dot"}
    with pytest.raises(SpecError, match="bidirectional: false"):
        checked(EncoderDecoder, document_of(wrong))


def test_data_without_a_text_to_write_is_refused(signature_of: Any) -> None:
    with pytest.raises(WrongInput, match="learns text"):
        EncoderDecoder().check(signature_of("tokens", "tags"))
