"""kpipe run: train, evaluate, record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from kpipe.commands.options import Overrides, WishOption, load

if TYPE_CHECKING:
    from rich.console import Console

    from kpipe.progress import ProgressLine
    from kpipe.run import Finished
    from kpipe.seeds import GroupDone


def run(
    file: Annotated[
        Optional[Path], typer.Argument(metavar="[FILE]", help="a pipeline's YAML file; not with --resume")
    ] = None,
    backend: WishOption = None,
    overrides: Overrides = None,
    resume: Annotated[
        Optional[str],
        typer.Option("--resume", metavar="RUN", help="go on with a stopped run or group; with --backend on another"),
    ] = None,
    seeds: Annotated[
        Optional[int],
        typer.Option("--seeds", metavar="N", min=2, max=100, help="a group of N runs, with a seed each"),
    ] = None,
) -> None:
    """Train, evaluate and record a pipeline; Ctrl-C saves, and --resume goes on."""
    from kpipe import run as story
    from kpipe import seeds as several
    from kpipe.progress import ProgressLine
    from kpipe.terminal import output

    if (file is None) == (resume is None):
        raise typer.BadParameter("give a pipeline FILE, or --resume RUN (which has its own)")
    if resume is not None and (overrides or seeds):
        raise typer.BadParameter("what is resumed goes on as it began: neither --set nor --seeds goes with --resume")
    done: Finished | GroupDone
    with ProgressLine(output) as progress:
        if resume is not None:
            done = resumed(resume, backend, progress, output)
        else:
            assert file is not None
            pipeline, document = load(file, overrides)
            text = as_typed(document.text, overrides)
            if seeds is None:
                done = story.run(pipeline, text, backend, [progress], say=output.print)
            else:
                done = several.train(pipeline, text, seeds, backend, [progress], say=output.print)
    if not told(done, output):
        raise typer.Exit(1)


def resumed(name: str, backend: str | None, progress: ProgressLine, console: Console) -> Finished | GroupDone:
    """A stopped run, or group, gone on with."""
    from kpipe import groups, run, seeds
    from kpipe.errors import WrongInput
    from kpipe.runs import ROOT

    group = groups.find(ROOT, name)
    if group is None:
        return run.resume(name, backend, [progress], say=console.print)
    if backend is not None:
        raise WrongInput(f"group {group.name} goes on on the backend of its first run", "leave out --backend")
    return seeds.resume(group, [progress], console.print)


def told(done: Finished | GroupDone, console: Console) -> bool:
    """Prints what came of it; False where a training failed, or an expectation is not met."""
    from kpipe import groups
    from kpipe.run import Finished
    from kpipe.summary import print_summary

    if not isinstance(done, Finished):
        return told_of_group(done, console)
    print_summary(done, console)
    group = groups.find(done.run.root, done.run.record.group or "")
    if group is not None and group.seeds_left:
        left = f"{len(group.seeds_left)} of the {group.plan.count} seeds of group {group.name} are left"
        console.print(f"group   {left}: kpipe run --resume {group.name}", soft_wrap=True)
    return all(outcome.is_met for outcome in done.expected)


def told_of_group(done: GroupDone, console: Console) -> bool:
    from kpipe.compare.table import print_seeds
    from kpipe.terminal import shown

    group, side = done.group, done.side
    console.print()
    print_seeds(side, console)
    console.print()
    missed = [f"seed {kept.seed}: {kept.tags['expected']}" for kept in side.runs if kept.misses]
    for subject, text in (
        *(("failed", f"seed {seed}: {reason}") for seed, reason in done.failed.items()),
        *(("expect", words) for words in missed),
        ("where", f"{shown(group.folder)}   report.html; each run is in mlruns/runs"),
        *(("unsent", words) for words in done.unsent),
        ("next", f"kpipe ui   |   kpipe compare {group.name} OTHER"),
    ):
        console.print(f"{subject:<7} {text}", soft_wrap=True)
    return not (done.failed or missed)


def as_typed(text: str, overrides: list[str] | None) -> str:
    """The file's text as it is kept with the run, headed by what ``--set`` put in its place."""
    return "".join(f"# --set {override}\n" for override in overrides or ()) + text
