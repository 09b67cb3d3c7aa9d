"""Text: a file's content with its lines, and the refusal of what is no readable text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from kpipe.spec.mistake import Mistake, Place

MAX_BYTES: Final = 1 << 20

LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


class Unreadable(Exception):
    """The text cannot be read on; holds the mistake to show."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake


@dataclass(frozen=True)
class Text:
    """A text and its name. On the command line there is one line, which needs no caret."""

    source: str
    content: str

    @cached_property
    def lines(self) -> list[str]:
        return LINE_BREAK.split(self.content)

    def line(self, number: int) -> str:
        """A line by its number from 1; empty behind the last."""
        return self.lines[number - 1] if number <= len(self.lines) else ""

    def place(self, line: int, column: int, length: int | None) -> Place:
        """A place from the parser's marks, which count from 0; without a length up to the end of the line."""
        if self.source.startswith("--set "):
            return Place(self.source)
        text = self.line(line + 1)
        rest = len(text.rstrip()) - column
        return Place(self.source, line + 1, column + 1, max(1, rest if length is None else length), text)


def decode(raw: str | bytes, source: str) -> str:
    """The text of a file, or Unreadable: too large, binary, not UTF-8."""
    if len(raw) > MAX_BYTES:
        hint = "a pipeline is a short text; data belongs in files of its own"
        raise Unreadable(Mistake(Place(source), (), "larger than 1 MiB", hint))
    text = (decode_utf8(raw, source) if isinstance(raw, bytes) else raw).removeprefix("\ufeff")
    bad = UNPRINTABLE.search(text)
    if bad is not None:
        message = f"the character U+{ord(bad[0]):04X} is not allowed in YAML"
        raise unreadable(source, text, bad.start(), message, "remove it")
    return text


def decode_utf8(raw: bytes, source: str) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Unreadable(Mistake(Place(source), (), "UTF-16 text", "save it as UTF-8"))
    if b"\0" in raw:
        raise Unreadable(Mistake(Place(source), (), "a binary file", "a pipeline is a YAML text in UTF-8"))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        column = len(raw[: error.start].decode("utf-8"))
        message = f"not UTF-8 text: byte 0x{raw[error.start]:02X}"
        raise unreadable(source, raw.decode("utf-8", "replace"), column, message, "save the file as UTF-8") from None


def unreadable(source: str, content: str, offset: int, message: str, hint: str) -> Unreadable:
    """The error at an offset of the content."""
    before = LINE_BREAK.split(content[:offset])
    text = Text(source, UNPRINTABLE.sub("?", content))
    return Unreadable(Mistake(text.place(len(before) - 1, len(before[-1]), 1), (), message, hint))
