"""kpipe run: train, evaluate, record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from kpipe.commands.options import Overrides, WishOption, load


def run(
    file: Annotated[
        Optional[Path], typer.Argument(metavar="[FILE]", help="a pipeline's YAML file; not with --resume")
    ] = None,
    backend: WishOption = None,
    overrides: Overrides = None,
    resume: Annotated[
        Optional[str],
        typer.Option("--resume", metavar="RUN", help="go on with a stopped run; with --backend on another"),
    ] = None,
) -> None:
    """Train, evaluate and record a pipeline; Ctrl-C saves, and --resume goes on."""
    from kpipe import run as story
    from kpipe.progress import ProgressLine
    from kpipe.summary import print_summary
    from kpipe.terminal import output

    if (file is None) == (resume is None):
        raise typer.BadParameter("give a pipeline FILE, or --resume RUN (which has its own)")
    with ProgressLine(output) as progress:
        if resume is not None:
            if overrides:
                raise typer.BadParameter("a resumed run goes on as it began: --set does not go with --resume")
            finished = story.resume(resume, backend, [progress], say=output.print)
        else:
            assert file is not None
            pipeline, document = load(file, overrides)
            finished = story.run(pipeline, as_typed(document.text, overrides), backend, [progress], say=output.print)
    print_summary(finished, output)
    if not all(outcome.is_met for outcome in finished.expected):
        raise typer.Exit(1)


def as_typed(text: str, overrides: list[str] | None) -> str:
    """The file's text as it is kept with the run, headed by what ``--set`` put in its place."""
    return "".join(f"# --set {override}\n" for override in overrides or ()) + text
