"""kpipe diff: what differs between two pipelines, each a file or that of a run."""

from __future__ import annotations

from typing import Annotated

import typer


def diff(
    first: Annotated[str, typer.Argument(metavar="A", help="a pipeline's YAML file, or a run (a name, `last` ...)")],
    second: Annotated[str, typer.Argument(metavar="B", help="another")],
) -> None:
    """Show the paths that differ, defaults included; exit code 0 the same, 1 different, 2 trouble."""
    from kpipe.compare.differences import differences
    from kpipe.compare.sides import named
    from kpipe.compare.table import print_differences
    from kpipe.runs import ROOT
    from kpipe.terminal import output

    sides = [named(ROOT, first), named(ROOT, second)]
    found = differences([written for _, written in sides])
    if found:
        print_differences((sides[0][0], sides[1][0]), found, output)
        raise typer.Exit(1)
