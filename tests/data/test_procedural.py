from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kpipe.data.preparation.generated import adding_problem, arithmetic, dates, number_words, reverse, sine_mix
from kpipe.data.preparation.ragged import Ragged
from kpipe.data.procedural import Procedural
from kpipe.data.splits import RaggedSplit, Split, Splits
from kpipe.tokenization.special import END, START


def load(dataset: str, seed: int = 0, **fields: Any) -> Splits:
    return Procedural.model_validate({"dataset": dataset, "examples": 300, **fields}).load(seed)


def texts(splits: Splits, split: Split) -> list[tuple[str, str]]:
    """Each example's source and target."""
    assert isinstance(split, RaggedSplit)
    source, target = split.columns["source"], split.columns["target"]
    assert isinstance(source, Ragged)
    assert isinstance(target, Ragged)
    read, written = splits.signature.input.vocabulary, splits.signature.target.vocabulary
    assert read is not None
    assert written is not None
    return [(read.decode(source.at(place)), written.decode(target.at(place))) for place in range(len(split))]


@pytest.mark.parametrize("dataset", ["dates", "number_words", "arithmetic", "reverse"])
def test_texts_are_what_they_are_called(dataset: str) -> None:
    splits = load(dataset)
    assert (splits.signature.input.name, splits.signature.target.task) == ("source", "text")
    right: dict[str, Callable[[str], str]] = {
        "number_words": lambda source: number_words.words(int(source)),
        "arithmetic": lambda source: str(eval(source.removesuffix("="))),  # digits and signs alone
        "reverse": lambda source: source[::-1],
    }
    for name, split in splits:
        for source, target in texts(splits, split):
            if dataset == "dates" and name == "train":  # a sign that train lacks is unknown elsewhere
                assert date.fromisoformat(target).isoformat() == target
                assert str(date.fromisoformat(target).year) in source
            elif dataset != "dates" and "<unknown>" not in source + target:
                assert target == right[dataset](source)


def test_previous_is_the_target_one_step_later() -> None:
    batch = load("reverse").train.take(np.arange(5))
    assert (batch["previous"][:, 0] == START).all()
    there = batch["target"] >= 0
    np.testing.assert_array_equal(batch["previous"][:, 1:][there[:, 1:]], batch["target"][:, :-1][there[:, 1:]])
    assert (batch["target"][np.arange(5), there.sum(axis=1) - 1] == END).all()


@pytest.mark.parametrize("dataset", ["dates", "number_words", "arithmetic", "reverse"])
def test_nothing_of_test_is_in_train(dataset: str) -> None:
    splits = load(dataset, examples=2000)
    (train_sources, train_targets), (test_sources, test_targets) = (
        zip(*texts(splits, split), strict=True) for split in (splits.train, splits.test)
    )
    assert not set(train_sources) & set(test_sources)
    if dataset != "arithmetic":  # 1+3 is 2+2
        assert not set(train_targets) & set(test_targets)


def test_no_text_is_two_dates() -> None:
    generator = random.Random(1)
    read: dict[str, date] = {}
    for _ in range(60_000):
        day = dates.FIRST + timedelta(days=generator.randrange(3000))
        text = dates.write(day, generator.choice(("en", "de", "fr", "es")), generator)
        assert read.setdefault(text, day) == day, text


@pytest.mark.parametrize(
    ("locale", "written"),
    [
        ("en", {"3rd of May 2024", "May 3, 2024", "Friday 3 May 2024", "3 May 2024", "Fri, 3 May 2024"}),
        ("de", {"3. Mai 2024", "03.05.2024", "3.5.2024", "Freitag, 3. Mai 2024"}),
        ("fr", {"3 mai 2024", "le 3 mai 2024", "vendredi 3 mai 2024", "03/05/2024"}),
        ("es", {"3 de mayo de 2024", "viernes, 3 de mayo de 2024", "3/5/2024"}),
    ],
)
def test_forms_of_a_language(locale: Any, written: set[str]) -> None:
    pieces = dates.pieces(date(2024, 5, 3), locale)
    assert written <= {form(pieces) for form in dates.FORMS[locale]}


@pytest.mark.parametrize(
    ("day", "locale", "expected"),
    [(1, "en", "1st"), (2, "en", "2nd"), (11, "en", "11th"), (12, "en", "12th"), (13, "en", "13th"), (23, "en", "23rd"),
     (31, "en", "31st"), (1, "fr", "1er"), (2, "fr", "2"), (1, "de", "1")],
)  # fmt: skip
def test_ordinals(day: int, locale: Any, expected: str) -> None:
    assert dates.ordinal(day, locale) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (40, "forty"),
        (71, "seventy-one"),
        (100, "one hundred"),
        (4071, "four thousand seventy-one"),
        (999_999, "nine hundred ninety-nine thousand nine hundred ninety-nine"),
    ],
)
def test_numbers_in_words(number: int, expected: str) -> None:
    assert number_words.words(number) == expected


@given(st.integers(1, 3000), st.integers(0, 99))
def test_as_many_different_ones_as_asked_for(count: int, seed: int) -> None:
    drawn = [
        number_words.draw(count, random.Random(seed)),
        dates.draw(count, ("en", "fr"), random.Random(seed)),
        arithmetic.draw(count, ("+", "*"), 2, random.Random(seed)),
        reverse.draw(count, 5, random.Random(seed)),
    ]
    for pairs in drawn:
        assert len({source for source, _ in pairs}) == len(pairs) == count


def test_waves_go_on_and_are_noisy() -> None:
    seen, follows = sine_mix.draw(200, 30, 10, 1, 0.0, np.random.default_rng(0))
    whole = np.concatenate([seen, follows], axis=1)[..., 0]
    # of one sine without noise, x[t+1] + x[t-1] is the same multiple of x[t] at every step
    errors = []
    for wave in whole:
        factor = np.dot(wave[1:-1], wave[2:] + wave[:-2]) / np.dot(wave[1:-1], wave[1:-1])
        errors.append(np.abs(wave[2:] + wave[:-2] - factor * wave[1:-1]).max())
    assert max(errors) < 1e-4
    noisy = sine_mix.draw(200, 30, 10, 1, 0.5, np.random.default_rng(0))[0]
    assert abs((noisy - seen).std() - 0.5) < 0.05


def test_two_numbers_are_marked_and_added() -> None:
    inputs, sums = adding_problem.draw(500, 11, np.random.default_rng(0))
    numbers, marks = inputs[..., 0], inputs[..., 1]
    assert (marks[:, :5].sum(axis=1) == 1).all()
    assert (marks[:, 5:].sum(axis=1) == 1).all()
    np.testing.assert_allclose(sums[:, 0], (numbers * marks).sum(axis=1), rtol=1e-6)


@pytest.mark.parametrize(
    ("dataset", "shape", "target", "task"),
    [("sine_mix", (48, 1), (12, 1), "forecast"), ("adding_problem", (50, 2), (1,), "values")],
)
def test_numbers_have_the_shape_and_moments_of_train(dataset: str, shape: Any, target: Any, task: str) -> None:
    splits = load(dataset)
    batch = splits.train.take(np.arange(len(splits.train)))
    assert batch["sequence"].shape[1:] == splits.signature.input.shape == shape
    assert batch["target"].shape[1:] == target
    assert splits.signature.target.task == task
    np.testing.assert_allclose(splits.signature.target.mean, batch["target"].mean(axis=(0, *range(1, len(target)))))


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"dataset": "dates", "horizon": 3}, "horizon", "says nothing of `dates`; it is of sine_mix"),
        ({"dataset": "reverse", "max_letters": 2, "examples": 1000}, "examples", "only 676 different ones"),
        ({"dataset": "arithmetic", "digits": 1, "operators": ["+"], "examples": 101}, "examples", "only 100"),
    ],
)
def test_mistakes_are_seen_early(fields: dict[str, Any], path: str, message: str) -> None:
    with pytest.raises(ValidationError) as error:
        Procedural.model_validate(fields)
    (problem,) = error.value.errors()[0]["ctx"]["problems"]
    assert problem.path == (path,)
    assert re.search(message, problem.message)
