"""kpipe sync: tell MLflow what it missed."""

from __future__ import annotations

from typing import Annotated, Optional

import typer


def sync(
    names: Annotated[
        Optional[list[str]],
        typer.Argument(metavar="[RUN...]", help="runs to send; by default all with something unsent"),
    ] = None,
) -> None:
    """Send to MLflow what could not be sent while the server was away."""
    from kpipe.runs import ROOT
    from kpipe.terminal import output
    from kpipe.tracking import tracking

    outcomes = tracking.sync(ROOT, names or ())
    for outcome in outcomes:
        output.print(outcome)
    if not outcomes:
        output.print("nothing to send: MLflow has everything")
    if not all(outcome.sent for outcome in outcomes):
        raise typer.Exit(1)
