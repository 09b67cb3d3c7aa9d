from __future__ import annotations

import math
import time
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kpipe.spec import yaml
from kpipe.spec.yaml import dump, parse


def value(text: str) -> Any:
    parsed = parse(text, "p.yaml")
    assert parsed.mistakes == ()
    assert parsed.root is not None
    return parsed.root.plain


def messages(text: str | bytes) -> list[str]:
    return [mistake.message for mistake in parse(text, "p.yaml").mistakes]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("False", False),
        ("no", "no"),
        ("on", "on"),
        ("~", None),
        ("", None),
        ("Null", None),
        ("1e-3", 0.001),
        ("1.0E+3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-7", -7),
        ("0x1F", 31),
        ("0o17", 15),
        ("017", 17),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-11-20", "2026-11-20"),
        ("-.inf", -math.inf),
        (".INF", math.inf),
        ("'1'", "1"),
        ('"true"', "true"),
        ("|\n  1\n", "1\n"),
        ("1.2.3", "1.2.3"),
        ("e3", "e3"),
        ("=", "="),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, expected: Any) -> None:
    assert value(text) == expected
    assert type(value(text)) is type(expected)


def test_nan() -> None:
    assert math.isnan(value(".nan"))


def test_a_number_of_many_digits_does_not_take_long() -> None:
    assert value("9" * 5000) == "9" * 5000
    assert value("1e999") == math.inf


def test_keys_are_read_as_they_are_written() -> None:
    assert value("{1: a, no: b, 2026-11-20: c, 'true': d, 1.5: e}") == {
        "1": "a", "no": "b", "2026-11-20": "c", "true": "d", "1.5": "e",
    }  # fmt: skip


def test_places_of_keys_and_values() -> None:
    root = parse("name: x\nmodel:\n  filters: [8, 16]\n", "p.yaml").root
    assert root is not None
    filters = root.entries["model"].node.entries["filters"]
    assert (filters.key.line, filters.key.column, filters.key.length) == (3, 3, 7)
    assert (filters.node.place.line, filters.node.place.column, filters.node.place.length) == (3, 12, 7)
    assert filters.node.value[1].place.text == "  filters: [8, 16]"
    assert str(filters.node.value[1].place) == "p.yaml:3:16"


def test_aliases_repeat_what_they_name() -> None:
    assert value("a: &x {b: [1]}\nc: *x\n") == {"a": {"b": [1]}, "c": {"b": [1]}}


def test_what_an_alias_repeats_is_counted() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 40)
    )
    began = time.process_time()
    assert "more than 100,000 values" in messages(bomb)[0]
    assert time.process_time() - began < 1


def test_what_an_alias_repeats_is_as_deep_as_it_is() -> None:
    steps = "".join(f"a{i}: &a{i} [[[[[*a{i - 1}]]]]]\n" for i in range(1, 20))
    assert messages("a0: &a0 1\n" + steps) == ["nested more than 50 levels deep"]


def test_all_duplicate_keys_are_found_and_the_first_counts() -> None:
    parsed = parse("a: 1\nb: {c: 1, c: 2}\na: 3\n", "p.yaml")
    assert [mistake.path for mistake in parsed.mistakes] == [("b", "c"), ("a",)]
    assert parsed.root is not None
    assert parsed.root.plain == {"a": 1, "b": {"c": 1}}


@pytest.mark.parametrize("loader", [yaml.LOADER, pyyaml.SafeLoader], ids=["libyaml", "python"])
@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("a:\n\tb: 1\n", "a tab where YAML wants spaces", (2, 1)),
        ("a:\n  b: 1\n c: 2\n", "this line does not fit the ones above", (3, 2)),
        ("a: b: c\n", "a `:` that fits nothing here", (1, 5)),
        ('a: "abc\nb: 1\n', "this quote is never closed", (1, 4)),
        ("a: [1, 2\nb: 3\n", "this `[` is never closed, or a comma is missing after it", (1, 4)),
        ("a: {b: 1\nc: 2\n", "this `{` is never closed, or a comma is missing after it", (1, 4)),
        ("a: 1\nbcd\ne: 2\n", "a `:` is missing after this key", (2, 1)),
        ("a: `x`\n", "no value can begin with ```", (1, 4)),
        ("a: [1]]\n", "this `]` closes nothing", (1, 7)),
        ("a: 1\n---\nb: 2\n", "a second document begins here", (2, 1)),
        ("a: *x\n", "the alias `*x` names nothing", (1, 4)),
        ("a: &x [*x]\n", "the alias `*x` stands inside what it repeats", (1, 8)),
        ("a: !!str 1\n", "the tag `!!str` is not read: only plain data is", (1, 4)),
        (": 1\n", "a key is missing before this `:`", (1, 1)),
        ("'' : 1\n~: 1\n", "a key is missing before this `:`", (2, 1)),
        ("? [a]\n: 1\n", "a key must be a word, not a list or a mapping", (1, 3)),
        ("[" * 60, "nested more than 50 levels deep", (1, 51)),
    ],
)
def test_what_cannot_be_read(
    loader: Any, text: str, message: str, place: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml, "LOADER", loader)
    parsed = parse(text, "p.yaml")
    assert parsed.root is None
    (mistake,) = parsed.mistakes
    assert mistake.message == message
    assert (mistake.place.line, mistake.place.column) == place


def test_what_is_no_text() -> None:
    assert messages(b"a: \x00") == ["a binary file"]
    assert messages("a: 1".encode("utf-16")) == ["UTF-16 text"]
    assert messages("a: é".encode("latin-1")) == ["not UTF-8 text: byte 0xE9"]
    assert messages("a: \x07") == ["the character U+0007 is not allowed in YAML"]
    assert messages(b"#" * (1 << 20) + b"\n") == ["larger than 1 MiB"]
    assert value("\ufeffa: 1") == {"a": 1}


@pytest.mark.parametrize(
    "text", ["- " * 50_000, "{a: " * 50_000, "a: " + "[1, " * 50_000, "? " * 50_000, "&a " * 10_000, "a\n" * 100_000,
             "'" + "\n" * 500_000, "a: &a 1\nb: [" + "*a, " * 200_000 + "]", "x: " + "9" * 900_000, "%TAG ! " * 20_000,
             "".join(f"k{i}: {i}\n" for i in range(60_000))]
)  # fmt: skip
def test_hostile_text_is_read_or_refused_quickly(text: str) -> None:
    began = time.process_time()
    parse(text, "p.yaml")
    assert time.process_time() - began < 8


@given(st.text(max_size=200) | st.text("ab:-[]{}&*!|>'\"%@`,?#\t\n 01.~<", max_size=80))
def test_no_text_raises(text: str) -> None:
    parsed = parse(text, "p.yaml")
    assert parsed.root is not None or parsed.mistakes
    for mistake in parsed.mistakes:
        assert all(line.isprintable() for line in mistake.render().split("\n"))


@given(st.binary(max_size=200))
def test_no_bytes_raise(raw: bytes) -> None:
    parsed = parse(raw, "p.yaml")
    assert parsed.root is not None or parsed.mistakes


scalars = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.floats(allow_nan=False) | st.text(max_size=20)
names = st.text(min_size=1, max_size=8)
data = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=12
)
YES_AND_NO = ("y", "n", "yes", "no", "on", "off")
words = st.from_regex(r"[a-z ]{0,6}[a-z]", fullmatch=True).filter(lambda word: word not in YES_AND_NO)


@settings(max_examples=100)
@given(data)
def test_what_is_dumped_reads_back_equal(written: Any) -> None:
    text = dump({"root": written})
    parsed = parse(text, "p.yaml")
    assert parsed.mistakes == ()
    assert parsed.root is not None
    assert parsed.root.plain == {"root": written}
    assert pyyaml.safe_load(text) == {"root": written}


@given(st.dictionaries(words, st.integers(-1000, 1000) | st.booleans() | words))
def test_reads_as_pyyaml_where_both_mean_the_same(written: dict[str, Any]) -> None:
    text = pyyaml.safe_dump(written)
    assert value(text) == pyyaml.safe_load(text)


@pytest.mark.parametrize(
    "word", ["1e-3", "0o17", "no", "1_000", "2026-11-20", "12:30", "~", ".5", "<<", "=", "0x1F", ""]
)
def test_a_word_that_looks_like_something_else_is_quoted(word: str) -> None:
    assert value(dump({"word": word})) == {"word": word}
    assert pyyaml.safe_load(dump({"word": word})) == {"word": word}
