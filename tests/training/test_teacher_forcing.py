"""Training a model that writes on its own tokens: how often, on every backend, and stopped and gone on with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import kpipe.backend
from kpipe.data.preparation.ragged import Ragged
from kpipe.data.splits import Split, split_of
from kpipe.errors import Interrupted, SpecError, WrongInput
from kpipe.models.encoder_decoder import EncoderDecoder
from kpipe.parts import parts_of
from kpipe.signature import Feature, Signature, Target
from kpipe.spec.check import checked
from kpipe.spec.document import document_of
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.special import END, IGNORED, PADDING, START
from kpipe.tokenization.vocabulary import Vocabulary
from kpipe.training.fit import Fit
from kpipe.training.schedules.constant import Constant
from kpipe.training.schedules.linear import Linear
from kpipe.training.teacher_forcing import share_of

VOCABULARY = Vocabulary.learn(Characters(), ["abcdef"])
TEXT: dict[str, Any] = {"kind": "tokens", "shape": (None,), "dtype": "int32", "vocabulary": VOCABULARY}
SIGNATURE = Signature(
    inputs=(Feature(name="source", **TEXT), Feature(name="previous", **TEXT)),
    target=Target(task="text", vocabulary=VOCABULARY, max_length=8),
)
WRITTEN: dict[str, Any] = {"epochs": 3, "optimizer": {"Adam": {"learning_rate": 0.02}}}
FALLING = {**WRITTEN, "teacher_forcing": {"type": "linear", "end": 0.1}}


def copies(examples: int = 96) -> Split:
    """Texts to be written again, short enough to be padded to one length: each length is compiled."""
    rng = np.random.default_rng(0)
    texts = [rng.integers(4, VOCABULARY.size, rng.integers(1, 5)) for _ in range(examples)]
    targets = [np.append(text, END) for text in texts]
    columns = {
        "source": Ragged.of(texts, PADDING),
        "previous": Ragged.of([np.append(START, text) for text in texts], PADDING),
        "target": Ragged.of(targets, IGNORED),
    }
    return split_of(columns)


def writer(backend: Any, **fields: Any) -> Any:
    kpipe.backend.use(backend, seed=0)
    model = EncoderDecoder.model_validate({"units": 8, "embedding": 4, "dropout": 0.1, **fields}).build(SIGNATURE)
    generator = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(generator.normal(0.0, 0.3, weight.shape))
    return model


def fit(trial: Any, written: dict[str, Any], model: Any, *watchers: Any, folder: str = "checkpoints") -> Any:
    split = copies()
    return Fit.model_validate(written).train(model, split, split, SIGNATURE, trial.stage(*watchers, folder=folder))


def test_the_share_follows_its_schedule_epoch_by_epoch() -> None:
    shares = [share_of(Linear(end=0.0), epoch, epochs=4, steps=10) for epoch in range(4)]
    assert shares == pytest.approx([1.0, 0.75, 0.5, 0.25])
    assert share_of(0.3, 2, 4, 10) == 0.3
    assert share_of(Constant(), 3, 4, 10) == 1.0


def test_own_tokens_change_what_is_learned_and_true_ones_alone_do_not(trial: Any, backend: str) -> None:
    alone = {name: fit(trial, {**WRITTEN, "teacher_forcing": share}, writer(backend, dropout=0.0), folder=name)
             for name, share in (("all", 1.0), ("scheduled", {"type": "constant"}), ("none", 0.0))}  # fmt: skip
    logs = {name: [row.logs["loss"] for row in trained.history] for name, trained in alone.items()}
    np.testing.assert_allclose(logs["scheduled"], logs["all"], rtol=1e-3)  # step by step is the same as all at once
    assert abs(logs["none"][0] - logs["all"][0]) > 1e-4
    assert logs["none"][-1] < logs["none"][0]


def test_the_share_of_the_last_epoch_is_what_the_model_was_fed(trial: Any, backend: str, values: Any) -> None:
    model = writer(backend)
    decoder = parts_of(model).teacher_forcing
    assert decoder is not None
    fit(trial, {**FALLING, "restore_best": False}, model)
    assert float(decoder.teacher_forcing.value) == pytest.approx(1 - 0.9 * 2 / 3)
    fit(trial, {**WRITTEN, "epochs": 1}, model, folder="next")
    assert not decoder.sampling


def test_validation_is_fed_true_tokens(trial: Any, backend: str) -> None:
    frozen = {"epochs": 1, "optimizer": {"SGD": {"learning_rate": 1e-30}}}
    own, true = (
        fit(trial, {**frozen, "teacher_forcing": share}, writer(backend), folder=str(share)).history[0].logs
        for share in (0.0, 1.0)
    )
    assert own["val_loss"] == pytest.approx(true["val_loss"], rel=1e-5)
    assert own["loss"] != pytest.approx(true["loss"], rel=1e-5)


def test_stopped_and_gone_on_with_it_is_the_same(trial: Any, seen: Any, backend: str, values: Any) -> None:
    straight = writer(backend)
    expected = fit(trial, FALLING, straight)
    with pytest.raises(Interrupted):
        fit(trial, FALLING, writer(backend), seen(stop_at=(2, 1)), folder="stopped")
    resumed = writer(backend)
    trained = fit(trial, FALLING, resumed, folder="stopped")
    assert [dict(row.logs) for row in trained.history] == [dict(row.logs) for row in expected.history]
    for one, other in zip(values(straight), values(resumed), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_model_that_does_not_write_is_refused(trial: Any) -> None:
    with pytest.raises(WrongInput, match="cannot be trained on its own tokens"):
        trial.fit({"epochs": 1, "teacher_forcing": 0.5})


def test_a_warm_up_is_refused() -> None:
    wrong = {"type": "fit", "teacher_forcing": {"type": "linear", "warmup": 0.1}}
    with pytest.raises(SpecError, match="begins at 1 and falls"):
        checked(Fit, document_of(wrong))


def test_a_schedule_that_rises_is_refused_with_those_that_fall() -> None:
    wrong = {"type": "fit", "teacher_forcing": {"type": "inverse_square_root"}}
    with pytest.raises(SpecError, match="rises before it falls") as raised:
        checked(Fit, document_of(wrong))
    assert "linear, cosine" in str(raised.value)
    assert "warmup" not in str(raised.value)
