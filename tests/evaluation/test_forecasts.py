"""Forecasts, perplexity and attention over words: numbers worked out by hand, pictures of a model."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from kpipe.data.splits import ArraySplit
from kpipe.evaluation.evidence import Evidence
from kpipe.evaluation.metrics.mae import Mae
from kpipe.evaluation.metrics.mase import Mase
from kpipe.evaluation.metrics.perplexity import Perplexity
from kpipe.evaluation.naive import naive
from kpipe.evaluation.plots.attention_over_words import AttentionOverWords
from kpipe.evaluation.plots.forecast_error import ForecastError
from kpipe.models.rnn import RNN
from kpipe.signature import Feature, Signature, Target
from kpipe.tokenization.characters import Characters
from kpipe.tokenization.vocabulary import Vocabulary


def evidence(columns: tuple[str, ...] = ("heat", "load")) -> Evidence:
    """Two examples of three steps, load and heat; load is forecast for two steps."""
    feature = Feature(name="x", kind="sequence", shape=(3, 2), dtype="float32", columns=columns)
    signature = Signature(inputs=(feature,), target=Target(name="y", task="forecast", names=("load",), horizon=2))
    seen = np.zeros((2, 3, 2), "float32")
    seen[:, -1, 1] = [10, 20]
    targets, outputs = np.float32([[[11], [12]], [[20], [24]]]), np.float32([[[11], [13]], [[21], [22]]])
    split = ArraySplit({"x": seen, "y": targets})
    return Evidence(signature, "test", split, targets, outputs, np.zeros(2), None)  # type: ignore[arg-type]


def test_mase_is_the_error_over_that_of_the_last_value() -> None:
    made = evidence()
    last = naive(made)
    assert last is not None
    np.testing.assert_array_equal(last[:, 0, 0], [10, 20])
    assert Mae().compute(made) == {"mae": pytest.approx((0 + 1 + 1 + 2) / 4)}
    assert Mase().compute(made) == {"mase": pytest.approx((0 + 1 + 1 + 2) / (1 + 2 + 0 + 4))}


def test_mase_needs_what_is_forecast_among_the_inputs() -> None:
    made = evidence(("heat", "wind"))
    assert Mase().compute(made) == {}
    assert "does not hold" in next(iter(Mase().left_out(made).values()))


def test_one_step_has_no_picture_of_steps(make_perfect: Callable[..., Evidence]) -> None:
    made = evidence()
    assert ForecastError().draw(made) is not None
    single = Evidence(made.signature, "test", made.split, made.targets[:, :1], made.outputs[:, :1], made.losses, None)  # type: ignore[arg-type]
    assert ForecastError().draw(single) is None


def test_perplexity_of_even_odds_is_their_number(make: Callable[..., Evidence]) -> None:
    made = make("next_token", np.arange(12, dtype="int32"), np.zeros((12, 12)))
    assert Perplexity().compute(made) == {
        "perplexity": pytest.approx(12),
        "bits_per_token": pytest.approx(math.log2(12)),
    }


def test_attention_over_words_is_drawn_of_models_that_have_it(backend: str) -> None:
    vocabulary = Vocabulary.learn(Characters(), ["abc d$"])
    feature = Feature(name="tokens", kind="tokens", shape=(None,), dtype="int32", vocabulary=vocabulary)
    signature = Signature(inputs=(feature,), target=Target(task="classes", names=("bad", "good")))
    tokens = np.random.default_rng(0).integers(4, vocabulary.size, (5, 90)).astype("int32")
    tokens[2, 1:] = 0
    targets = np.int32([0, 1, 0, 1, 0])
    outputs, split = np.eye(2)[[0, 1, 1, 1, 0]], ArraySplit({"tokens": tokens, "target": targets})
    for pooling, drawn in (("attention", True), ("mean", False)):
        model = RNN(units=(4,), pooling=pooling).build(signature)  # type: ignore[arg-type]
        made = Evidence(signature, "test", split, targets, outputs, np.zeros(5), model)
        figure = AttentionOverWords().draw(made)
        assert (figure is not None) is drawn
        if figure is not None:
            words = [text.get_text() for text in figure.texts]
            assert "test example 2: bad, read as good" in words
            assert len(words) == 5 + 4 * 90 + 1
