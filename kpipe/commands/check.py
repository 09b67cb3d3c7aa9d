"""kpipe check: is the YAML right?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kpipe.commands.options import Overrides, load
from kpipe.errors import SpecError


def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="pipelines to check")],
    overrides: Overrides = None,
) -> None:
    """Check pipelines: all mistakes at once, with their place and the nearest right name."""
    from kpipe.terminal import errors, output

    count = wrong = 0
    for file in files:
        try:
            pipeline, _ = load(file, overrides)
        except SpecError as error:
            errors.print(str(error), style=None)
            count, wrong = count + len(error.mistakes), wrong + 1
        else:
            output.print(f"{file}  ok  {pipeline.name}: {pipeline.data.type} -> {pipeline.model.type}")
    if count:
        errors.print(f"{count} mistake{'s' * (count > 1)} in {wrong} file{'s' * (wrong > 1)}")
        raise typer.Exit(2)
