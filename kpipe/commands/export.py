"""kpipe export: a trained model as a file for others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from kpipe.commands.options import RunName


def export(
    run_name: RunName,
    formats: Annotated[
        list[str],
        typer.Option("--format", "-f", metavar="F", help="keras, saved_model, onnx, litert or torch (repeatable)"),
    ],
    folder: Annotated[
        Optional[Path], typer.Option("--output", "-o", metavar="FOLDER", help="by default `export` in the run's folder")
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="with weights of eight bits too (litert, onnx)")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Write a run's model in other formats, each held against the model itself; exit code 1 where one fails."""
    import json

    from kpipe.export.story import export as write
    from kpipe.export.table import print_export
    from kpipe.terminal import errors, output

    with errors.status("") as status:
        done = write(run_name, formats, folder, int8, status.update)
    if as_json:
        typer.echo(json.dumps(done.record(), indent=1))
    else:
        print_export(done, output)
    if any(row.error for row in done.files):
        raise typer.Exit(1)
