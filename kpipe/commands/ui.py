"""kpipe ui: the MLflow UI on this project."""

from __future__ import annotations

from typing import Annotated

import typer


def ui(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="where to listen, on this machine only")] = 5000,
) -> None:
    """Start the MLflow UI on this project's runs."""
    from kpipe.results import HEADLINE
    from kpipe.runs import ROOT
    from kpipe.terminal import output
    from kpipe.tracking import ui as server

    server.serve(ROOT, port, lambda line: output.print(line, soft_wrap=True), HEADLINE)
