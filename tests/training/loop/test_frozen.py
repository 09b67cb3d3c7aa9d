"""Which layers a stage trains, by their own names and by those of what they are part of."""

from __future__ import annotations

from typing import Any

import pytest

from kpipe.errors import WrongInput
from kpipe.models.encoder_decoder import EncoderDecoder
from kpipe.models.rnn import RNN
from kpipe.models.transformer import Transformer
from kpipe.signature import Feature, Signature, Target
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.vocabulary import Vocabulary

VOCABULARY = Vocabulary.learn(Characters(), ["abc"])
CLASSES = Signature(
    inputs=(Feature(name="tokens", kind="tokens", shape=(None,), dtype="int32", vocabulary=VOCABULARY, max_length=8),),
    target=Target(task="classes", names=("a", "b")),
)
TEXT = Signature(
    inputs=tuple(
        Feature(name=name, kind="tokens", shape=(None,), dtype="int32", vocabulary=VOCABULARY, max_length=8)
        for name in ("source", "previous")
    ),
    target=Target(task="text", vocabulary=VOCABULARY, max_length=8),
)
RECURRENT = RNN.model_validate({"units": [4, 3], "embedding": 4, "bidirectional": True})
TRANSFORMER = Transformer.model_validate({"layers": 2, "width": 4, "num_heads": 2, "feed_forward": 4})


@pytest.mark.parametrize(
    ("architecture", "signature"),
    [
        (RNN.model_validate({"units": [4, 4], "embedding": 4}), CLASSES),
        (RECURRENT, CLASSES),
        (TRANSFORMER, CLASSES),
        (TRANSFORMER, TEXT),
        (EncoderDecoder.model_validate({"units": 4, "embedding": 4, "layers": 2}), TEXT),
    ],
    ids=["rnn", "both_directions", "transformer", "transformer_text", "encoder_decoder"],
)
def test_each_layer_that_is_shown_can_be_named(backend: str, architecture: Any, signature: Signature) -> None:
    from kpipe.training.loop.frozen import only_trainable

    model = architecture.build(signature)
    every = {weight.path for weight in model.trainable_weights}
    for layer in model.layers:
        own = {weight.path for weight in layer.trainable_weights}
        if own:
            with only_trainable(model, [layer.name]):
                assert {weight.path for weight in model.trainable_weights} == own
    assert {weight.path for weight in model.trainable_weights} == every


def test_one_pattern_names_several_and_a_part_is_named_too(backend: str) -> None:
    from kpipe.training.loop.frozen import only_trainable

    model = TRANSFORMER.build(CLASSES)
    encoders = [layer for layer in model.layers if layer.name.startswith("encoder") and layer.trainable_weights]
    with only_trainable(model, ["encoder*"]):
        assert len(model.trainable_weights) == sum(len(layer.trainable_weights) for layer in encoders)
    with only_trainable(model, ["query"]):
        assert {weight.path.split("/")[-2] for weight in model.trainable_weights} == {"query"}


def test_an_unknown_name_tells_those_that_are_shown(backend: str) -> None:
    from kpipe.training.loop.frozen import only_trainable

    model = TRANSFORMER.build(CLASSES)
    with pytest.raises(WrongInput, match="no layer matches `nowhere`") as raised, only_trainable(model, ["nowhere"]):
        pass
    assert "encoder1" in raised.value.hint
