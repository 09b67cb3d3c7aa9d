"""kpipe tune: search the hyperparameters that a pipeline's `tune` section names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

import typer

from kpipe.commands.options import File, Overrides, WishOption, load

if TYPE_CHECKING:
    from rich.console import Console

    from kpipe.pipeline import Pipeline
    from kpipe.search.story import Found

SAMPLES = 5


def tune(
    file: File,
    backend: WishOption = None,
    overrides: Overrides = None,
    workers: Annotated[
        Optional[int],
        typer.Option("--workers", metavar="N", min=1, max=1024, help="trials at the same time, by default 1"),
    ] = None,
    ray: Annotated[
        Optional[str],
        typer.Option(
            "--ray", metavar="ADDRESS", help="run trials on a Ray cluster; `local` starts one on this machine"
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="go on with a search or fail; by default one of the same content is gone on with"
        ),
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="start anew, even where there is a search to go on with")
    ] = False,
    register: Annotated[
        Optional[str], typer.Option("--register", metavar="NAME", help="register the best model in MLflow, as champion")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show the size of the space and some trials")] = False,
) -> None:
    """Search for the best hyperparameters; killed at any moment, the same command goes on."""
    from kpipe import backend as engines
    from kpipe.search import story
    from kpipe.search.table import TrialTable
    from kpipe.terminal import output

    if resume and fresh:
        raise typer.BadParameter("--resume goes on with a search, --fresh starts one: give one of the two")
    pipeline, document = load(file, overrides)
    search = story.searched(pipeline)
    engines.use_none()
    if dry_run:
        preview(pipeline, output)
        return
    from kpipe.commands.run import as_typed

    with TrialTable(search, output, workers or 1) as table:
        found = story.tune(
            pipeline, as_typed(document.text, overrides), backend, workers, ray, resume, fresh, register, [table],
            say=output.print,
        )  # fmt: skip
    print_found(found, output)
    if register is not None and found.best is not None and not found.unsent:
        output.print(f"model   {register}, registered in MLflow with the alias champion")
    if found.best is None:
        raise typer.Exit(1)


def preview(pipeline: Pipeline, console: Console) -> None:
    """The space, and what the search would begin with."""
    from kpipe.search.dry_run import dry_run
    from kpipe.search.story import first_trials

    dry_run(pipeline, console, first_trials(pipeline, SAMPLES))


def print_found(found: Found, console: Console) -> None:
    """The trials, the winner, and how to run it."""
    from kpipe.search.table import print_trials
    from kpipe.terminal import shown

    print_trials(found.best, found.trials, found.search, console)
    folder = shown(found.run.folder)
    console.print()
    if found.best is None:
        console.print(
            "no trial came to a score: see the reasons above, and log.txt in each trial's folder", soft_wrap=True
        )
    else:
        console.print(
            f"winner  {found.run.name}/{found.best.name}, as a pipeline: kpipe run {folder}/best.yaml", soft_wrap=True
        )
    if found.verdict is not None and found.verdict.comparison is not None:
        console.print(found.verdict.comparison.statement, soft_wrap=True)
    console.print(f"where   {folder}   artifacts/report.html, artifacts/trials.csv, trials/", soft_wrap=True)
    if found.unsent:
        console.print(f"unsent  {found.unsent}", soft_wrap=True)
    if found.best is not None:
        name = f"{found.run.name}/{found.best.name}"
        console.print(f"next    kpipe ui   |   kpipe evaluate {name}   |   kpipe predict {name} INPUT", soft_wrap=True)
