"""kpipe parity: whether a pipeline means the same on every backend."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from kpipe.commands.options import File, Overrides, load


def parity(
    file: File,
    overrides: Overrides = None,
    steps: Annotated[
        int, typer.Option("--steps", metavar="N", min=1, show_default=False, help="of each stage, by default 100")
    ] = 100,
    backends: Annotated[
        Optional[list[str]], typer.Option("--backend", metavar="B", help="compare only these (repeatable)")
    ] = None,
    start_from: Annotated[
        Optional[str], typer.Option("--start-from", metavar="B", help="begin each stage with its weights")
    ] = None,
    tolerance: Annotated[
        Optional[list[str]],
        typer.Option("--tolerance", metavar="WHAT=NUMBER", help="e.g. loss=1e-4 (repeatable)"),
    ] = None,
    folder: Annotated[
        Optional[Path], typer.Option("--output", "-o", metavar="FOLDER", help="by default mlruns/parity")
    ] = None,
    random: Annotated[bool, typer.Option("--random", help="leave dropout and its like on")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the report as JSON")] = False,
) -> None:
    """Compare a pipeline's first steps on all backends; exit code 1 where they are too far apart."""
    import json

    from kpipe.parity import story
    from kpipe.parity.table import print_report
    from kpipe.parity.tolerances import tolerances
    from kpipe.terminal import errors, output

    if folder is not None and folder.exists() and not folder.is_dir():
        raise typer.BadParameter(f"--output {folder}: is a file, expected a folder")
    allowed = tolerances(tolerance or ())
    chosen = story.chosen(backends or (), start_from)
    pipeline, _ = load(file, overrides)
    with errors.status("") as status:
        reports = story.parity(
            {pipeline.name: pipeline}, chosen, steps, allowed, start_from is not None, random,
            lambda name: status.update(f"{name}: {steps} steps"),
        )  # fmt: skip
        report = reports[pipeline.name]
        written = story.keep(report, folder or story.FOLDER)
    if as_json:
        typer.echo(json.dumps(report.record(), indent=1))
    else:
        print_report(report, output)
        output.print(f"where      {written.picture}, {written.record.name}", soft_wrap=True)
    if not report.agrees:
        raise typer.Exit(1)
