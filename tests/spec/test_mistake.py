from __future__ import annotations

import pytest

from kpipe.spec.mistake import Mistake, Place, nearest, printable, several_nearest


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("filtres", "filters"),
        ("batchsize", "batch_size"),
        ("BatchSize", "batch_size"),
        ("lr", "learning_rate"),
        ("opt", "optimizer"),
        ("learningrate", "learning_rate"),
        ("xyz", None),
        ("", None),
    ],
)
def test_nearest(word: str, expected: str | None) -> None:
    assert nearest(word, ["filters", "batch_size", "learning_rate", "optimizer"]) == expected


def test_the_name_that_holds_the_whole_word_comes_first() -> None:
    assert several_nearest("float16", ["float32", "mixed_bfloat16", "mixed_float16"]) == [
        "mixed_float16",
        "mixed_bfloat16",
    ]


def test_a_long_word_is_compared_quickly() -> None:
    assert nearest("a" * 1_000_000, ["b" * 100]) is None


def render(place: Place) -> list[str]:
    return Mistake(place, ("a", 0), "wrong", "hint").render().split("\n")


def test_the_caret_stands_below_what_is_meant() -> None:
    assert render(Place("p.yaml", 3, 5, 2, "abc def")) == [
        "p.yaml:3:5  error  a.0: wrong",
        "    3 | abc def",
        "      |     ^^ hint",
    ]


def test_without_a_line_the_hint_stands_below() -> None:
    assert render(Place("--set a.0=1")) == ["--set a.0=1  error  a.0: wrong", "    hint"]


@pytest.mark.parametrize("column", [1, 70, 500, 999, 1000])
def test_a_long_line_is_cut_around_the_caret(column: int) -> None:
    text = "".join(chr(ord("a") + number % 26) for number in range(1000))
    _, line, caret = render(Place("p.yaml", 1, column, 3, text))
    assert len(line) < 160
    assert line[caret.index("^")] == text[column - 1]


def test_wide_characters_take_two_columns() -> None:
    _, _, caret = render(Place("p.yaml", 1, 3, 1, "数字ab"))
    assert caret == "      |     ^ hint"


def test_what_a_terminal_would_obey_is_escaped() -> None:
    assert printable("a\x1b[31mb") == "a\\x1b[31mb"
    assert printable("x" * 100) == "x" * 57 + "..."
