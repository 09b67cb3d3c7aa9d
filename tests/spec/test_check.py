from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, Strict, model_validator

from kpipe.errors import SpecError
from kpipe.pipeline import Pipeline
from kpipe.spec.check import checked
from kpipe.spec.document import document_of, read
from kpipe.spec.mistake import Mistake, Problem
from kpipe.spec.spec import Spec, Tuple, refuse

Side = Annotated[int, Field(ge=1, le=9)]


class Inner(Spec):
    rate: float = Field(0.5, ge=0, lt=1, description="the share dropped")
    names: dict[Literal["a", "b"], str] = Field({}, description="words")


class Outer(Spec):
    word: str = Field("x", min_length=1, max_length=5, description="a word")
    even: int = Field(2, multiple_of=2, description="an even number")
    sides: Side | Tuple[Side] = Field(3, description="one or several")
    pair: Annotated[tuple[Side, Side], Strict(False)] | None = Field(None, description="height and width")
    inner: Inner = Field(Inner(), description="what is inside")
    several: Tuple[Inner] = Field((), max_length=2, description="a list of them")
    choice: Literal["one", "two"] | Tuple[Side] = Field("one", description="one, two or numbers")
    quiet: bool = Field(False, description="says nothing")
    needed: int = Field(description="a number")

    @model_validator(mode="after")
    def _word_fits(self) -> Outer:
        if self.word == "bad":
            raise refuse(Problem(("word",), "bad word"), Problem(("inner", "rate"), "and a bad rate", "a hint"))
        if self.word == "ugly":
            raise ValueError("an ugly word")
        return self


def mistakes(**fields: Any) -> list[Mistake]:
    with pytest.raises(SpecError) as raised:
        checked(Outer, document_of({"needed": 1} | fields))
    return list(raised.value.mistakes)


def said(**fields: Any) -> tuple[str, str]:
    (mistake,) = mistakes(**fields)
    return ".".join(map(str, mistake.path)), mistake.message


def test_what_is_right_becomes_a_spec() -> None:
    found = checked(Outer, document_of({"needed": 1, "sides": [1, 2], "several": [{"rate": 0}]}))
    assert found == Outer(needed=1, sides=(1, 2), several=(Inner(rate=0),))


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"wrod": "a"}, "wrod", "no such field"),
        ({"word": ""}, "word", '"" has 0 characters, expected not empty'),
        ({"word": "abcdef"}, "word", '"abcdef" has 6 characters, expected at most 5 characters'),
        ({"word": 3}, "word", "expected text, received 3 (a number)"),
        ({"word": "ugly"}, "", "an ugly word"),
        ({"even": 3}, "even", "3 is not a multiple of 2"),
        ({"even": 2.5}, "even", "expected a whole number, received 2.5 (a number)"),
        ({"even": True}, "even", "expected a whole number, received true"),
        ({"even": 10**400}, "needed", ""),
        ({"inner": {"rate": 1.7}}, "inner.rate", "1.7 is outside [0, 1)"),
        ({"inner": {"rate": float("nan")}}, "inner.rate", "expected a finite number, received .nan"),
        ({"inner": {"rate": "high"}}, "inner.rate", 'expected a number, received "high" (a string)'),
        ({"inner": {"names": {"c": "x"}}}, "inner.names.c", "no such key"),
        ({"inner": 3}, "inner", "expected a mapping of fields, received 3 (a number)"),
        ({"inner": None}, "inner", "expected a mapping of fields, received nothing"),
        ({"sides": 0}, "sides", "0 is outside [1, 9]"),
        ({"sides": [1, 0]}, "sides.1", "0 is outside [1, 9]"),
        ({"sides": "a"}, "sides", 'expected a whole number or a list of whole numbers, received "a" (a string)'),
        ({"sides": [1, "a"]}, "sides.1", 'expected a whole number, received "a" (a string)'),
        ({"pair": [1]}, "pair", "a list of 1: item 1 is missing"),
        ({"pair": [1, 2, 3]}, "pair", "a list of 3, expected at most 2"),
        ({"several": [{}, {"rat": 1}]}, "several.1.rat", "no such field"),
        ({"several": [{}, {}, {}]}, "several", "a list of 3, expected at most 2"),
        ({"several": {}}, "several", "expected a list, received {} (an empty mapping)"),
        ({"choice": "too"}, "choice", '"too" is not one of: one, two'),
        ({"choice": [10]}, "choice.0", "10 is outside [1, 9]"),
        ({"quiet": "no"}, "quiet", 'expected true or false, received "no" (a string)'),
        ({"needed": {"a": 1}}, "needed", "expected a whole number, received a mapping"),
    ],
    ids=str,
)
def test_what_is_wrong_in_words(fields: dict[str, Any], path: str, message: str) -> None:
    if not message:
        assert checked(Outer, document_of({"needed": 1} | fields)).even == fields["even"]
        return
    assert said(**fields) == (path, message)


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"wrod": "a"}, "did you mean `word`?"),
        ({"rate": 1}, "it belongs under `inner` or under `several`"),
        ({"zzz": 1}, "fields here: word, even, sides, pair, inner, several, choice, quiet, needed"),
        ({"inner": {"rate": 1.7}}, "the share dropped, default 0.5"),
        ({"inner": {"rate": "0.5"}}, "write 0.5, without the quotes"),
        ({"inner": {"rate": "0,5"}}, "write 0.5, with a point"),
        ({"even": "1_000"}, "write 1000, without separators"),
        ({"even": 4.0}, "write 4"),
        ({"quiet": "off"}, "write false"),
        ({"quiet": 1}, "write true"),
        ({"word": 3}, 'put it in quotes: "3"'),
        ({"word": True}, 'put it in quotes: "true"'),
        ({"inner": None}, "remove this line to have the default"),
        ({"choice": "too"}, "did you mean `two`?"),
        ({"inner": {"names": {"A": "x"}}}, "did you mean `a`?"),
    ],
    ids=str,
)
def test_hints_say_what_to_write(fields: dict[str, Any], hint: str) -> None:
    (mistake,) = mistakes(**fields)
    assert mistake.hint == hint


def test_all_mistakes_come_at_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("wrod: a\ninner: {rate: 2, rat: 1}\neven: 3\neven: 4\n", encoding="utf-8")
    with pytest.raises(SpecError) as raised:
        checked(Outer, read(path, ["quiet=1"]))
    found = [(mistake.place.line, mistake.message) for mistake in raised.value.mistakes]
    assert found == [
        (1, "missing"),
        (1, "no such field"),
        (2, "2 is outside [0, 1)"),
        (2, "no such field"),
        (3, "3 is not a multiple of 2"),
        (4, "`even` is written twice"),
        (0, "expected true or false, received 1 (a number)"),
    ]


def test_problems_that_a_validator_refuses_keep_their_own_paths() -> None:
    first, second = mistakes(word="bad")
    assert (first.path, first.message) == (("word",), "bad word")
    assert (second.path, second.message, second.hint) == (("inner", "rate"), "and a bad rate", "a hint")


def test_very_many_mistakes_are_counted_and_quick() -> None:
    began = time.process_time()
    found = mistakes(**{f"field_{number}": 1 for number in range(20_000)})
    assert time.process_time() - began < 5
    assert len(found) == 101
    assert any(mistake.message == "19900 more mistakes" for mistake in found)


def pipeline(**sections: Any) -> list[tuple[str, str]]:
    written = {"name": "x", "data": {"type": "sklearn", "dataset": "digits"}, "model": "cnn", "train": "fit"} | sections
    with pytest.raises(SpecError) as raised:
        checked(Pipeline, document_of(written))
    return [(".".join(map(str, mistake.path)), mistake.message) for mistake in raised.value.mistakes]


def test_train_is_a_mapping_a_list_or_a_name() -> None:
    assert pipeline(train={"type": "fit", "epochs": 0}) == [("train.epochs", "0 is outside [1, 1000000]")]
    assert pipeline(train=["fit", {"type": "fit", "epochs": 0}])[0][0] == "train.1.epochs"
    assert pipeline(train="fitt") == [("train", "no training method `fitt`")]
    assert pipeline(train=[]) == [("train", "a list of 0, expected at least 1")]


def test_a_type_named_like_one_of_its_fields_is_no_trouble() -> None:
    assert pipeline(data={"type": "sklearn", "sklearn": 1, "dataset": "digits"}) == [("data.sklearn", "no such field")]


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=80) | st.binary(max_size=80))
def test_no_file_raises_anything_but_mistakes(tmp_path_factory: pytest.TempPathFactory, written: str | bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "random.yaml"
    path.write_bytes(written if isinstance(written, bytes) else written.encode())
    with pytest.raises(SpecError):
        checked(Pipeline, read(path))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
    | st.sampled_from(["cnn", "fit", "AdamW", "digits", "cosine", "relu"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["type", "filters", "optimizer", "AdamW", "learning_rate", "schedule", "split", "cnn", ""]),
        inner,
        max_size=4,
    ),
    max_leaves=10,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(
        {"name": anything, "data": anything, "model": anything, "train": anything},
        optional={"evaluate": anything, "track": anything, "seed": anything, "backend": anything},
    )
)
def test_no_data_raises_anything_but_mistakes(data: dict[str, Any]) -> None:
    try:
        checked(Pipeline, document_of(data))
    except SpecError as error:
        for mistake in error.mistakes:
            assert mistake.message
            assert "pydantic" not in mistake.render()
