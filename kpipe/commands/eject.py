"""kpipe eject: a pipeline as a script of plain Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from kpipe.commands.options import File, Overrides, load


def eject(
    file: File,
    output: Annotated[
        Optional[Path], typer.Option("--output", "-o", metavar="SCRIPT", help="by default printed; never written over")
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Write a script of plain Keras that does what the pipeline does, gives the same numbers, and needs no kpipe."""
    from kpipe.eject.keep import keep, require_writable
    from kpipe.eject.story import eject as script_of
    from kpipe.terminal import output as terminal

    pipeline, _ = load(file, overrides)
    if output is not None:
        require_writable(output)
    script = script_of(pipeline, file, output.name if output else f"{file.stem}.py", overrides or ())
    if output is None:
        typer.echo(script, nl=False)
    else:
        keep(script, output)
        terminal.print(f"written to {output}   run it: KERAS_BACKEND=jax python {output}", soft_wrap=True)
