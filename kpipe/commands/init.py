"""kpipe init: a starter pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def init(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="[TEMPLATE] FILE",
            help="the file to write; TEMPLATE: digits (default), conll, image_folder, npz, procedural, table, text, "
            "text_table, tfds, time_series",
        ),
    ],
) -> None:
    """Write a commented starter pipeline."""
    from kpipe.starter import write
    from kpipe.terminal import output

    if len(arguments) > 2:
        raise typer.BadParameter("give [TEMPLATE] FILE")
    template, file = arguments if len(arguments) == 2 else ("digits", arguments[0])
    write(template, Path(file))
    output.print(f"{file} written. Go on with:", soft_wrap=True)
    for verb in ("check", "show", "run"):
        output.print(f"  kpipe {verb} {file}", soft_wrap=True)
