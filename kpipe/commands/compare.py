"""kpipe compare: runs and groups of seeds side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer


def compare(
    names: Annotated[
        Optional[list[str]],
        typer.Argument(metavar="[RUN...]", help="runs or groups: a name, a unique beginning, an MLflow id, or `last`"),
    ] = None,
    experiment: Annotated[
        Optional[str], typer.Option("--experiment", metavar="NAME", help="all finished runs of an experiment")
    ] = None,
    query: Annotated[
        Optional[str],
        typer.Option("--query", metavar="FILTER", help='runs that MLflow finds: metrics."test/accuracy" > 0.97'),
    ] = None,
    file: Annotated[
        Optional[Path], typer.Option("--output", "-o", metavar="FILE", help="of the page, by default in mlruns/compare")
    ] = None,
) -> None:
    """Compare runs: what differs in file, data and environment; metrics with intervals; curves in one page."""
    from kpipe.compare.page import write_page
    from kpipe.compare.rows import sections
    from kpipe.compare.sides import chosen
    from kpipe.compare.table import print_comparison
    from kpipe.runs import ROOT
    from kpipe.terminal import output

    sides = chosen(ROOT, names or (), experiment, query)
    print_comparison([side.name for side in sides], sections(sides), output)
    place = write_page(ROOT, sides, file)
    output.print(f"curves  {place}", soft_wrap=True)
