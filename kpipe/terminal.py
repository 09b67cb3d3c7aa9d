"""The two consoles, and how errors look. Plain text when not a terminal; NO_COLOR is respected (by rich)."""

from __future__ import annotations

import os
import sys

from rich.console import Console

from kpipe.errors import KpipeError, SpecError


class Output(Console):
    """A console that nobody may be listening to any more: ``kpipe run p.yaml | head`` trains on, in silence."""

    def on_broken_pipe(self) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


output = Output(highlight=False, markup=False, soft_wrap=False)
errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def print_error(error: KpipeError) -> None:
    if isinstance(error, SpecError):
        errors.print(str(error))
        count = len(error.mistakes)
        errors.print(f"{count} mistake{'s' * (count > 1)}")
        return
    errors.print(f"error  {error.message}")
    for line in error.hint.splitlines():
        errors.print(f"       {line}")


def print_bug(error: Exception) -> None:
    errors.print(f"error  something went wrong inside kpipe: {type(error).__name__}: {error}")
    errors.print("       run the same command with --debug to see where")
