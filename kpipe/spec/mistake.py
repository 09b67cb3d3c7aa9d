"""What is wrong, where it stands, and how to mend it; rendered the way a compiler does."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

Path = tuple[str | int, ...]
"""Where a value stands in the YAML: keys and list positions from the top."""

LONGEST_LINE = 140


def dotted(path: Path) -> str:
    """``("model", "filters", 1) -> "model.filters.1"``."""
    return ".".join(printable(str(part)) for part in path)


def printable(text: str, longest: int = 60) -> str:
    """``text`` in one line that a terminal shows as it is, cut when it is long."""
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The valid name most like ``word``, or None when none is near."""
    return next(iter(several_nearest(word, names, 1)), None)


def several_nearest(word: str, names: Iterable[str], most: int = 2) -> list[str]:
    """The valid names most like ``word``, the nearest first; case, ``_`` and ``-`` make no difference.

    Those that hold the whole word come first (``opt``); where none is alike, those with its initials (``lr``).
    """
    by_folded = {folded(name): name for name in names}
    wanted = folded(word[:100])
    found = difflib.get_close_matches(wanted, by_folded, n=most, cutoff=0.6)
    if len(wanted) > 2 and wanted not in by_folded:
        whole = sorted((short for short in by_folded if wanted in short), key=len)
        found = [*whole[:most], *(short for short in found if short not in whole)]
    if not found and len(wanted) > 1:
        found = [short for short, name in by_folded.items() if initials(name) == wanted]
    return [by_folded[name] for name in found[:most]]


def initials(name: str) -> str:
    """``learning_rate -> lr``."""
    return "".join(part[:1] for part in name.lower().split("_"))


def folded(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


class Problem(NamedTuple):
    """A mistake before its place is known: the path inside the value, the message and the hint.

    The place is that of the value at ``path``, or of the key at ``key`` where that is given.
    """

    path: Path
    message: str
    hint: str = ""
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A span of text somebody wrote: in a file (1-based line and column) or on the command line (line 0)."""

    source: str
    line: int = 0
    column: int = 0
    length: int = 1
    text: str = ""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True)
class Mistake:
    """One mistake, ready to be shown."""

    place: Place
    path: Path
    message: str
    hint: str = ""

    def render(self) -> str:
        """Several lines: the place and the message, the source line, and a caret with the hint."""
        subject = f"{dotted(self.path)}: " if self.path else ""
        head = f"{self.place}  error  {subject}{self.message}"
        if not self.place.line:
            return head + (f"\n    {self.hint}" if self.hint else "")
        text, before, length = self._excerpt()
        gutter = f"{self.place.line:>5} | "
        caret = " " * width(text[:before]) + "^" * max(1, width(text[before : before + length]))
        return f"{head}\n{gutter}{text}\n{' ' * (len(gutter) - 2)}| {caret} {self.hint}".rstrip()

    def _excerpt(self) -> tuple[str, int, int]:
        """The source line cut to a readable length, what stands before the span, and the span's length."""
        text = "".join(char if char.isprintable() else " " for char in self.place.text).rstrip()
        before = self.place.column - 1
        start = max(0, before - LONGEST_LINE // 2) if len(text) > LONGEST_LINE else 0
        shown = text[start : start + LONGEST_LINE]
        if start:
            shown = "..." + shown[3:]
        if start + LONGEST_LINE < len(text):
            shown = shown[:-3] + "..."
        return shown, before - start, min(self.place.length, max(1, len(shown) - (before - start)))


def width(text: str) -> int:
    """The columns that ``text`` takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
