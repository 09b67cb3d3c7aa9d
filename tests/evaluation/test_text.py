"""Metrics, mistakes and pictures of generated texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kpipe.errors import MissingExtra
from kpipe.evaluation import mistakes
from kpipe.evaluation.evaluate import Evaluate
from kpipe.evaluation.evidence import Metric
from kpipe.evaluation.metrics.bleu import Bleu
from kpipe.evaluation.metrics.character_error_rate import CharacterErrorRate
from kpipe.evaluation.metrics.chrf import Chrf
from kpipe.evaluation.metrics.exact_match import ExactMatch
from kpipe.evaluation.metrics.token_accuracy import TokenAccuracy


def test_exact_match_counts_whole_texts(make_texts: Any) -> None:
    evidence = make_texts(["ab", "ab", "", "a b"], ["ab", "abc", "", "ab"])
    assert ExactMatch().compute(evidence) == {"exact_match": 0.5}


def test_token_accuracy_counts_tokens_in_their_places(make_texts: Any) -> None:
    evidence = make_texts(["abcd", "ab"], ["abxd", "abcc"])
    assert TokenAccuracy().compute(evidence)["token_accuracy"] == pytest.approx((3 + 2) / (4 + 4))


def test_character_error_rate_is_changes_over_letters(make_texts: Any) -> None:
    # kitten -> sitting: 3 changes of 7 letters; "" -> ab: 2 of 2; abcd -> a: 3 of 1
    evidence = make_texts(["kitten", "", "abcd"], ["sitting", "ab", "a"])
    assert CharacterErrorRate().compute(evidence) == {"character_error_rate": pytest.approx(8 / 10)}


def test_bleu_follows_its_definition(make_texts: Any) -> None:
    evidence = make_texts(["the cat sat on a mat"], ["the cat sat on the mat today"])
    precisions = [5 / 6, 3 / 5, 2 / 4, 1 / 3]  # runs of 1 to 4 words that the reference has too
    expected = 100 * np.exp(1 - 7 / 6) * np.prod(precisions) ** 0.25
    assert Bleu().compute(evidence) == {"bleu": pytest.approx(expected)}
    assert Bleu(lowercase=True).compute(make_texts(["A b C d"], ["a b c d"])) == {"bleu": pytest.approx(100)}


def test_bleu_of_short_references_is_left_out_with_the_reason(make_texts: Any) -> None:
    evidence = make_texts(["two words"], ["two words"])
    assert Bleu().compute(evidence) == {}
    assert "runs of 4" in Bleu().left_out(evidence)["bleu"]


def test_chrf_follows_its_definition(make_texts: Any) -> None:
    # abcd against abce: runs of 1 letter 3 of 4, of 2 letters 2 of 3, of 3 letters 1 of 2, of 4 letters 0 of 1
    mean = np.mean([3 / 4, 2 / 3, 1 / 2, 0])  # precision and recall alike, so their F is the same
    assert Chrf().compute(make_texts(["abcd"], ["abce"]))["chrf"] == pytest.approx(100 * mean, abs=0.01)
    words = Chrf(word_order=2).compute(make_texts(["the cat"], ["the dog"]))["chrf"]
    assert words != Chrf().compute(make_texts(["the cat"], ["the dog"]))["chrf"]


def test_without_the_package_a_metric_chosen_by_default_is_left_out(
    make_texts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bleu, "packages", ("a_package_that_is_not_there",))
    evidence = make_texts(["a b c d"], ["a b c d"])
    every = Evaluate()
    assert "bleu" not in every.measure(evidence)
    assert "kpipe[text]" in every.left_out(evidence)["bleu"]
    named = Evaluate.model_validate({"metrics": ["exact_match", "bleu"]})
    with pytest.raises(MissingExtra, match=r"metrics.1: .*a_package_that_is_not_there"):
        named.require_fit(evidence.signature)


def test_the_extra_brings_what_metrics_need() -> None:
    import tomllib
    from pathlib import Path

    from kpipe.evaluation.evaluate import METRICS
    from kpipe.spec.one_of import components

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    brought = {line.split(">")[0] for line in project["optional-dependencies"]["text"]}
    needed = {name for one in components(METRICS).values() if issubclass(one, Metric) for name in one.packages}
    assert needed
    assert needed <= brought


def test_mistakes_of_texts_name_source_truth_and_what_was_written(make_texts: Any) -> None:
    evidence = make_texts(["one", "too"], ["one", "two"], ["1", "2"])
    assert mistakes.verdict(evidence) == "1 of 2 test texts written exactly right."
    assert mistakes.rows(evidence) == [("1: 2", "two", "too", "")]


def test_alignment_is_drawn_of_a_model_with_attention_alone(backend: str, make_texts: Any) -> None:
    from kpipe.evaluation.drawing import png
    from kpipe.evaluation.plots.alignment import Alignment, aligned
    from kpipe.models.encoder_decoder import EncoderDecoder

    evidence = make_texts(["one", "too", "three"], ["one", "two", "three"], ["1", "2", "333"])
    with_attention = EncoderDecoder(units=4, embedding=3).build(evidence.signature)
    shown = make_texts(["one", "too", "three"], ["one", "two", "three"], ["1", "2", "333"], model=with_attention)
    weights, written, read = aligned(shown, 2)
    assert (written, read) == ([*"three", "<end>"], [*"333"])
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-5)
    assert Alignment(count=2).positions(shown) == [0, 1]
    figure = Alignment().draw(shown)
    assert figure is not None
    assert png(figure)
    without = EncoderDecoder(units=4, embedding=3, attention="none").build(evidence.signature)
    assert Alignment().draw(make_texts(["a"], ["a"], model=without)) is None


def test_a_word_that_train_has_not_is_never_right() -> None:
    from kpipe.tokenization.vocabulary import Vocabulary
    from kpipe.tokenization.words import Words

    vocabulary = Vocabulary.learn(Words(), ["the cat sat"])
    numbers = vocabulary.encode("the owl sat")
    assert vocabulary.decode(numbers) == "the <unknown> sat"
    assert vocabulary.reference(numbers) == "the \ufffd sat"
    assert vocabulary.decode(vocabulary.encode("the cat sat")) == vocabulary.reference(vocabulary.encode("the cat sat"))
