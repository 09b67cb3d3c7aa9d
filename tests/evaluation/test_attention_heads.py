"""The picture of attention heads: from evidence of a small Transformer on text, images and series."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kpipe.data.preparation.ragged import Ragged
from kpipe.data.splits import split_of
from kpipe.evaluation.drawing import png
from kpipe.evaluation.evidence import Evidence
from kpipe.evaluation.plots.attention_heads import AttentionHeads
from kpipe.models.transformer import Transformer
from kpipe.signature import Feature, Signature, Target
from kpipe.tokenization.vocabulary import Vocabulary
from kpipe.tokenization.words import Words

WORDS = Vocabulary.learn(Words(), ["the old cat eats the $5 fish today"])


def tokens(name: str) -> Feature:
    return Feature(name=name, kind="tokens", shape=(None,), dtype="int32", vocabulary=WORDS, max_length=12)


def classes() -> Target:
    return Target(task="classes", names=("a", "b"))


SIGNATURES = {
    "text": Signature(inputs=(tokens("source"), tokens("previous")), target=Target(task="text", vocabulary=WORDS)),
    "next_token": Signature(inputs=(tokens("tokens"),), target=Target(task="next_token", vocabulary=WORDS)),
    "classes": Signature(inputs=(tokens("tokens"),), target=classes()),
    "image": Signature(
        inputs=(Feature(name="image", kind="image", shape=(8, 12, 1), dtype="uint8"),), target=classes()
    ),
    "sequence": Signature(
        inputs=(Feature(name="series", kind="sequence", shape=(9, 2), dtype="float32"),), target=classes()
    ),
}


def evidence(name: str, **fields: Any) -> Evidence:
    """Of five examples, the third of 14 words; the outputs play no part."""
    spec = Transformer.model_validate(
        {"type": "transformer", "layers": 2, "width": 16, "num_heads": 4, "feed_forward": 16, "patch_size": 2, **fields}
    )
    signature, rng = SIGNATURES[name], np.random.default_rng(0)
    columns: dict[str, Any] = {}
    for feature in signature.inputs:
        if feature.kind == "tokens":
            columns[feature.name] = Ragged.of([rng.integers(4, WORDS.size, size) for size in (20, 3, 14, 40, 9)], 0)
        else:
            columns[feature.name] = rng.integers(0, 99, (5, *feature.sides)).astype(feature.dtype)
    nothing = np.zeros(5)
    return Evidence(signature, "test", split_of(columns), nothing, nothing, nothing, spec.build(signature))


def drawn(given: Evidence, **fields: Any) -> Any:
    return AttentionHeads.model_validate({"type": "attention_heads", **fields}).draw(given)


def size_of(figure: Any) -> tuple[int, int]:
    with Image.open(io.BytesIO(png(figure))) as picture:
        assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > 5
        return picture.size


@pytest.mark.parametrize("name", SIGNATURES)
def test_every_kind_of_input_is_drawn(backend: str, name: str) -> None:
    given = evidence(name)
    last, every = drawn(given), drawn(given, layers="all")
    maps = 3 if name == "text" else 1
    panels = 4 if name != "image" else 5
    assert len(last.axes) == maps * panels
    assert len(every.axes) == 2 * maps * panels
    width, height = size_of(every)
    assert 850 <= width <= 950
    assert height <= 2500
    assert png(drawn(given)) == png(last)


def test_rows_are_who_looks_and_columns_who_is_looked_at(backend: str) -> None:
    from kpipe.evaluation.heads import attention_of

    given = evidence("text")
    assert AttentionHeads().position(given) == 2
    figure = drawn(given)
    assert [axes.get_title("left") for axes in figure.axes[::4]] == [
        "encoder 2\nhead 1", "decoder 2 on itself\nhead 1", "decoder 2 on the source\nhead 1",
    ]  # fmt: skip
    cross = figure.axes[8]
    batch = given.split.take(np.array([2]))
    for labels, name in ((cross.get_yticklabels(), "previous"), (cross.get_xticklabels(), "source")):
        words = [WORDS.tokens[number].replace("$", r"\$") for number in batch[name][0] if number]
        assert [label.get_text() for label in labels] == words
        assert len(words) == 14
    shown = np.asarray(cross.images[0].get_array())
    np.testing.assert_allclose(shown, attention_of(given, 2)["decoder2_cross"][0][:14, :14])
    np.testing.assert_allclose(shown.sum(axis=1), 1, atol=1e-5)


def test_a_long_text_is_cut_and_an_example_can_be_chosen(backend: str) -> None:
    figure = drawn(evidence("classes", pooling="class_token"), number=3)
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert len(labels) == 32
    assert labels[0] == "<class>"


def test_nothing_is_drawn_for_other_networks(backend: str) -> None:
    import keras

    given = evidence("classes")
    plain = keras.Sequential([keras.Input((None,)), keras.layers.Activation("relu")])
    other = Evidence(given.signature, "test", given.split, given.targets, given.outputs, given.losses, plain)
    assert AttentionHeads().draw(other) is None


def test_a_class_token_s_patches_are_those_it_looks_at() -> None:
    from kpipe.evaluation.heads import looked_at

    weights = np.array([[0.5, 0.4, 0.1], [0, 0, 1], [0, 1, 0]], "float32")
    np.testing.assert_allclose(looked_at(weights, 2), np.array([1, 0.25]))
    np.testing.assert_allclose(looked_at(weights, 3), np.array([5, 14, 11]) / 14, atol=1e-6)
