"""The two consoles, and how errors look. Plain text when not a terminal; NO_COLOR is respected (by rich)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from typing_extensions import override

from kpipe.errors import Interrupted, KpipeError, SpecError


class Plain(Console):
    """A console on which text is text: a class's name from a data set cannot move the cursor, or hide what follows."""

    @override
    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=cleaned(segment.text))


class Output(Plain):
    """A console that nobody may be listening to any more: ``kpipe run p.yaml | head`` trains on, in silence."""

    @override
    def on_broken_pipe(self) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


TERMINAL = False if "JPY_PARENT_PID" in os.environ else None
"""Not in a notebook: what a cell runs with ``!`` seems to have one (a pty, FORCE_COLOR), but there lines that are drawn
anew pile up."""

output = Output(highlight=False, markup=False, soft_wrap=False, force_terminal=TERMINAL)
errors = Plain(stderr=True, highlight=False, markup=False, soft_wrap=True, force_terminal=TERMINAL)


def cleaned(text: str) -> str:
    """``text`` with a mark for each sign that a terminal would obey, or cannot show."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\N{REPLACEMENT CHARACTER}" for sign in text)


def shown(path: Path) -> Path:
    """``path`` as short as it can be said here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def print_error(error: KpipeError) -> None:
    if isinstance(error, SpecError):
        errors.print(str(error))
        count = len(error.mistakes)
        errors.print(f"{count} mistake{'s' * (count > 1)}")
        return
    # who stopped it knows: that is no error
    errors.print(error.message if isinstance(error, Interrupted) else f"error  {error.message}")
    for line in error.hint.splitlines():
        errors.print(f"       {line}")


def print_bug(error: Exception) -> None:
    errors.print(f"error  something went wrong inside kpipe: {type(error).__name__}: {error}")
    errors.print("       run the same command with --debug to see where")
