"""The Transformer: its fields, what it refuses, its parameters, and decoding with a cache against without."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from kpipe.errors import WrongInput
from kpipe.models.transformer import Transformer
from kpipe.parts import Stepper, parts_of
from kpipe.signature import Feature, Signature, Target
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.vocabulary import Vocabulary

SMALL = {"layers": [1, 2], "width": 16, "num_heads": 2, "feed_forward": 24, "patch_size": 2}
VARIANTS = [
    {},
    {"norm": "post", "positions": "learned", "activation": "gelu", "dropout": 0.2},
    {"positions": "rotary", "activation": "swiglu", "tied_embeddings": False},
]


def transformer(**fields: Any) -> Transformer:
    return Transformer.model_validate({"type": "transformer", **SMALL, **fields})


def numbers(tensor: Any) -> np.ndarray:
    import keras

    return np.array(keras.ops.convert_to_numpy(tensor))


def predicted(model: Any, inputs: Any) -> np.ndarray:
    return numbers(model(inputs, training=False))


def stepper_of(model: Any) -> Stepper:
    stepper = parts_of(model).stepper
    assert stepper is not None
    return stepper


def stirred(model: Any) -> Any:
    """The model with weights of some size: fresh ones hardly tell a token from another."""
    rng = np.random.default_rng(3)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(0, 0.5, weight.shape))
    return model


def text_of(task: str, source: np.ndarray, previous: np.ndarray) -> Any:
    return {"tokens": source, "previous": previous} if task == "text" else previous


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"num_heads": 3}, "num_heads", "3 heads do not divide a width of 16"),
        ({"num_heads": 16, "positions": "rotary"}, "num_heads", "a head has 1 numbers"),
        ({"width": 15, "num_heads": 3}, "width", "in pairs, but the width is 15"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(fields: Any, path: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        transformer(**fields)
    (problem,) = caught.value.errors()[0]["ctx"]["problems"]
    assert problem.path == (path,)
    assert message in problem.message


@pytest.mark.parametrize("fields", [{"layers": []}, {"layers": [2]}, {"layers": 0}, {"dropout": 1.0}, {"norm": "mid"}])
def test_values_out_of_range_are_refused(fields: Any) -> None:
    with pytest.raises(ValidationError):
        transformer(**fields)


@pytest.mark.parametrize(
    ("structure", "kind", "task", "message", "hint"),
    [
        ("decoder", "image", None, "generates text from tokens, but the data gives image inputs", "structure: encoder"),
        ("decoder", "image", "classes", "generates text from tokens", "structure: encoder` for image inputs, or text"),
        ("encoder_decoder", "sequence", "values", "makes a text of a text", "structure: encoder"),
        ("decoder", "tokens", "text", "does not learn text", "structure: encoder_decoder"),
        ("encoder", "tokens", "next_token", "does not learn next_token", "structure: decoder"),
        ("encoder_decoder", "tokens", "tags", "does not learn tags", "structure: encoder`"),
    ],
)
def test_a_structure_that_does_not_fit_names_what_does(
    structure: str, kind: Any, task: Any, message: str, hint: str
) -> None:
    (problem,) = transformer(structure=structure).misfits(kind, task)
    assert problem.path == ("structure",)
    assert message in problem.message
    assert hint in problem.hint


def test_patches_that_do_not_divide_the_image_are_refused(signature_of: Any) -> None:
    with pytest.raises(WrongInput, match=r"patches of 4 do not divide a width of 10") as caught:
        transformer(patch_size=4).check(signature_of())
    assert caught.value.hint == "choose one of: 1, 2, 5, 10"


def test_learned_positions_need_a_longest_text(backend: str, signature_of: Any) -> None:
    of = signature_of("tokens", "next_token")
    unknown = of.model_copy(update={"inputs": (of.input.model_copy(update={"max_length": None}),)})
    with pytest.raises(WrongInput, match=r"model.positions: the data does not tell its longest text"):
        transformer(positions="learned").build(unknown)


def test_more_steps_than_learned_positions_are_refused(backend: str, signature_of: Any) -> None:
    stepper = stepper_of(transformer(positions="learned").build(signature_of("tokens", "next_token")))
    tokens = {"tokens": np.ones((2, 3), "int32")}
    stepper.start(tokens, 8)
    with pytest.raises(WrongInput, match=r"decode.max_length: 9 steps, .* end at 8"):
        stepper.start(tokens, 9)


@pytest.mark.parametrize("task", ["text", "next_token"])
@pytest.mark.parametrize("fields", VARIANTS, ids=["sinusoidal", "learned", "rotary"])
def test_steps_with_a_cache_give_the_same_as_all_at_once(
    backend: str, signature_of: Any, fields: Any, task: str
) -> None:
    of = signature_of("tokens", task)
    model = stirred(transformer(**fields).build(of))
    rng = np.random.default_rng(0)
    source, previous = rng.integers(4, of.input.vocabulary.size, (2, 3, 8)).astype("int32")
    source[1, 5:] = 0
    whole = predicted(model, text_of(task, source, previous))
    stepper = stepper_of(model)
    state = stepper.start({"tokens": source, "previous": previous}, 8)
    for position in range(8):
        logits, state = stepper.step(previous[:, position], position, state)
        np.testing.assert_allclose(numbers(logits), whole[:, position], atol=1e-4, err_msg=f"step {position}")


NOISE = np.random.default_rng(2).normal(0, 3, (8, 6, 9))
"""Added to the logits of each step, without which a network that has not learned repeats itself."""


def chosen(logits: np.ndarray, position: int) -> np.ndarray:
    return np.asarray(3 + (logits[:, 3:] + NOISE[position]).argmax(-1), "int32")


def greedily(model: Any, source: np.ndarray, length: int) -> np.ndarray:
    """Plain decoding: the whole prefix through the model for each token."""
    previous = np.zeros((len(source), length + 1), "int32")
    previous[:, 0] = 2
    for position in range(length):
        logits = predicted(model, {"tokens": source, "previous": previous[:, :length]})[:, position]
        previous[:, position + 1] = chosen(logits, position)
    return previous[:, 1:]


@pytest.mark.parametrize("fields", VARIANTS, ids=["sinusoidal", "learned", "rotary"])
def test_greedy_with_a_cache_makes_the_tokens_of_plain_decoding(backend: str, signature_of: Any, fields: Any) -> None:
    of = signature_of("tokens", "text")
    model = stirred(transformer(**fields).build(of))
    source = np.random.default_rng(1).integers(4, of.input.vocabulary.size, (6, 8)).astype("int32")
    source[2, 3:] = 0
    stepper = stepper_of(model)
    state, tokens, made = stepper.start({"tokens": source}, 8), np.full(6, 2, "int32"), []
    for position in range(8):
        logits, state = stepper.step(tokens, position, state)
        tokens = chosen(numbers(logits), position)
        made.append(tokens)
    assert np.stack(made, axis=1).tolist() == greedily(model, source, 8).tolist()
    assert len(np.unique(made)) > 5


@pytest.mark.parametrize(("kind", "task"), [("tokens", "classes"), ("tokens", "tags"), ("tokens", "text")])
@pytest.mark.parametrize("pooling", ["mean", "max", "class_token"])
def test_padding_changes_nothing(
    backend: str, signature_of: Any, batch_of: Any, kind: str, task: str, pooling: str
) -> None:
    of = signature_of(kind, task)
    model = stirred(transformer(pooling=pooling).build(of))
    inputs, _ = batch_of(of)
    longer = {name: np.pad(x, ((0, 0), (0, 3))) for name, x in inputs.items()} if task == "text" else np.pad(
        inputs, ((0, 0), (0, 3))
    )  # fmt: skip
    one, other = predicted(model, inputs), predicted(model, longer)
    if one.ndim == 3:
        there = (inputs["previous"] if task == "text" else inputs) != 0
        one, other = one[there], other[:, :6][there]
    np.testing.assert_allclose(other, one, atol=1e-4)


def test_attention_of_every_layer_is_given_by_name(backend: str, signature_of: Any, batch_of: Any) -> None:
    of = signature_of("tokens", "text")
    model = transformer().build(of)
    inputs, _ = batch_of(of)
    maps: Any = parts_of(model).attention
    found = {name: numbers(weights) for name, weights in maps(inputs).items()}
    assert sorted(found) == ["decoder1", "decoder1_cross", "decoder2", "decoder2_cross", "encoder1"]
    assert {weights.shape for weights in found.values()} == {(4, 2, 6, 6)}
    for weights in found.values():
        np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    padded = inputs["tokens"][1] == 0
    assert (found["decoder1_cross"][1][..., padded] == 0).all()


def test_equal_vocabularies_share_one_table(backend: str, signature_of: Any) -> None:
    of = signature_of("tokens", "text")
    other = of.inputs[1].model_copy(update={"vocabulary": Vocabulary.learn(Characters(), ["xyz"])})
    target = of.target.model_copy(update={"vocabulary": other.vocabulary})
    unequal = Signature(inputs=(of.input, other), target=target)

    def tables(signature: Signature, **fields: Any) -> dict[str, int]:
        model = transformer(**fields).build(signature)
        ends = [layer for layer in model.layers if layer.name.endswith(("embedding", "target"))]
        return {layer.name: layer.count_params() for layer in ends}

    ours, theirs = of.input.vocabulary.size * 16, other.vocabulary.size * 16
    assert tables(of) == {"embedding": ours, "target": 0}
    assert tables(unequal) == {"source_embedding": ours, "target_embedding": theirs, "target": 0}
    assert tables(of, tied_embeddings=False) == {
        "source_embedding": ours, "target_embedding": ours, "target": ours + of.input.vocabulary.size,
    }  # fmt: skip


def test_parameters_are_those_of_the_paper_s_definition(backend: str) -> None:
    """Vaswani et al. 2017, table 3, base: N = 6, d_model = 512, d_ff = 2048, h = 8; a shared vocabulary of 37,000.

    The paper's projections of queries, keys, values and heads have no bias (section 3.2.2), its feed-forward layers
    have (equation 2), and its logits are products with the shared table (section 3.4). It says 65 million; its
    definition gives 63.0, the rest being a somewhat larger vocabulary.
    """
    width, units, layers, tokens = 512, 2048, 6, 37_000
    attention = 4 * width * width  # W_Q, W_K, W_V, W_O: 1,048,576
    feed_forward = width * units + units + units * width + width  # 2,099,712
    norm = 2 * width  # gain and bias: 1,024
    encoder_layer = attention + feed_forward + 2 * norm  # 3,150,336
    decoder_layer = 2 * attention + feed_forward + 3 * norm  # 4,199,936
    expected = layers * encoder_layer + layers * decoder_layer + tokens * width
    assert expected == 63_045_632

    words = Vocabulary.learn(Characters(), ["a"])
    words = words.model_copy(update={"tokens": (*words.tokens, *(f"w{number}" for number in range(tokens - 5)))})
    assert words.size == tokens
    source, previous = (
        Feature(name=name, kind="tokens", shape=(None,), dtype="int32", vocabulary=words, max_length=8)
        for name in ("source", "previous")
    )
    of = Signature(inputs=(source, previous), target=Target(task="text", vocabulary=words, max_length=8))
    base = transformer(layers=6, width=512, num_heads=8, feed_forward=2048, norm="post", dropout=0.1)
    model = base.build(of)
    assert model.count_params() == expected
    assert model.get_layer("encoder1").count_params() == encoder_layer
    assert model.get_layer("decoder6").count_params() == decoder_layer


def test_a_patch_seen_elsewhere_is_another_with_positions(backend: str, signature_of: Any) -> None:
    of = signature_of()
    image = np.zeros((1, 12, 10, 1), "uint8")
    image[0, :2, :2] = 200
    moved = np.roll(image, 4, axis=1)
    for positions in ("sinusoidal", "learned"):
        model = stirred(transformer(positions=positions).build(of))
        assert np.abs(predicted(model, image) - predicted(model, moved)).max() > 1e-3


def test_labels_are_smoothed_where_there_is_text(backend: str, signature_of: Any, batch_of: Any) -> None:
    from kpipe.training.fit import Fit
    from kpipe.training.loop.masking import MaskedLoss

    of = signature_of("tokens", "text")
    fit = Fit.model_validate({"label_smoothing": 0.1, "optimizer": {"SGD": {"learning_rate": 0.1}}})
    fit.check(of)
    loss = MaskedLoss(fit.build_loss(of.target), True)
    inputs, targets = batch_of(of)
    logits = predicted(transformer().build(of), inputs).astype("float64")
    log = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    there = targets >= 0
    right = np.take_along_axis(log, np.maximum(targets, 0)[..., None], axis=-1)[..., 0]
    expected = (-0.9 * right - 0.1 * log.mean(-1))[there].mean()
    assert float(numbers(loss(targets, logits.astype("float32")))) == pytest.approx(expected, rel=1e-5)


def test_images_change_in_training_only(backend: str, signature_of: Any, batch_of: Any) -> None:
    of = signature_of()
    spec = transformer(augmentation={"flip": "both", "brightness": 0.5})
    model, plain, (images, _) = spec.build(of), transformer().build(of), batch_of(of)
    plain.set_weights([weight for weight in model.get_weights() if weight.dtype == np.float32])
    np.testing.assert_allclose(predicted(model, images), predicted(plain, images), atol=1e-5)
    assert np.abs(numbers(model(images, training=True)) - predicted(plain, images)).max() > 1e-3
    (problem,) = spec.misfits("tokens", "classes")
    assert problem.message == "changes images, but the data gives tokens inputs"


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "float32"])
def test_logits_are_float32_at_any_precision(backend: str, signature_of: Any, batch_of: Any, precision: str) -> None:
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        of = signature_of("tokens", "text")
        model = transformer(dropout=0.1).build(of)
        inputs, _ = batch_of(of)
        assert model.get_layer("encoder1").attention.query.compute_dtype == precision.removeprefix("mixed_")
        whole = model(inputs, training=False)
        assert keras.backend.standardize_dtype(whole.dtype) == "float32"
        stepper = stepper_of(model)
        state = stepper.start(inputs, 4)
        logits, state = stepper.step(inputs["previous"][:, 0], 0, state)
        assert keras.backend.standardize_dtype(logits.dtype) == "float32"
        np.testing.assert_allclose(numbers(logits), numbers(whole)[:, 0], atol=0.1)
    finally:
        keras.config.set_dtype_policy(before)
