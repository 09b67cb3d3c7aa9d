"""kpipe evaluate: a trained model measured again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from kpipe.commands.options import BackendOption, RunName


def evaluate(
    run_name: RunName,
    split: Annotated[Optional[str], typer.Option("--split", help="train, validation or test (the default)")] = None,
    data: Annotated[
        Optional[Path], typer.Option("--data", metavar="FILE", help="labelled data of your own instead of a split")
    ] = None,
    backend: BackendOption = None,
) -> None:
    """Measure a run's model on one of its splits, or on labelled data of your own."""
    from kpipe.predict import evaluate_run
    from kpipe.summary import print_metrics
    from kpipe.terminal import output

    if split is not None and data is not None:
        raise typer.BadParameter("give --split or --data, not both")
    print_metrics(evaluate_run(run_name, split or "test", data, backend), output)
