"""kpipe run --seeds: the same pipeline with several seeds, one ordinary run after the other."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kpipe import groups, run
from kpipe.compare.kept import Side
from kpipe.compare.page import write
from kpipe.compare.sides import of_group
from kpipe.errors import Diverged, TrackingError, WrongInput
from kpipe.files import write_atomic
from kpipe.groups import Group
from kpipe.memory import clear
from kpipe.pipeline import Pipeline, effective_yaml
from kpipe.run import Finished
from kpipe.runs import ROOT, Run
from kpipe.spec.check import checked
from kpipe.spec.document import read
from kpipe.stopping import saying_how_to_go_on
from kpipe.training.method import Watcher

logger = logging.getLogger("kpipe")
LARGEST = 2**32 - 1
"""The largest seed there is."""


@dataclass(frozen=True)
class GroupDone:
    """What a group came to."""

    group: Group
    failed: dict[int, str]
    """by seed why its training came to nothing"""
    unsent: tuple[str, ...]

    @property
    def side(self) -> Side:
        """The runs, as they are compared."""
        return of_group(self.group)


def train(
    pipeline: Pipeline,
    text: str,
    count: int,
    option: str | None = None,
    watchers: Sequence[Watcher] = (),
    root: Path = ROOT,
    say: Callable[[str], None] = logger.info,
) -> GroupDone:
    """Trains ``pipeline`` with ``count`` seeds, from its own on; ``text`` is the YAML as written.

    Raises: as ``kpipe.run.run``, with how to go on.
    """
    if pipeline.seed + count - 1 > LARGEST:
        raise WrongInput(f"seed {pipeline.seed} and {count - 1} more: seeds end at {LARGEST}", "take a lower `seed`")
    group = groups.create(root, pipeline.name, pipeline.seed, count, option)
    try:
        write_atomic(group.folder / "pipeline.yaml", text)
        write_atomic(group.folder / "resolved.yaml", effective_yaml(pipeline))
        return carry_out(group, pipeline, watchers, say)
    finally:
        if not group.runs:  # nothing was begun: nothing is left behind
            shutil.rmtree(group.folder, ignore_errors=True)
        group.free()


def resume(group: Group, watchers: Sequence[Watcher] = (), say: Callable[[str], None] = logger.info) -> GroupDone:
    """Goes on with a group: what has finished is kept, what was stopped goes on, what was not begun follows.

    Raises: WrongInput: all its runs have finished, or it is still running.
    """
    group.hold()
    try:
        if not group.seeds_left:
            raise WrongInput(f"group {group.name} has finished", f"kpipe compare {group.name} shows it")
        pipeline = checked(Pipeline, read(group.folder / "resolved.yaml"))
        return carry_out(group, pipeline, watchers, say)
    finally:
        group.free()


def carry_out(group: Group, pipeline: Pipeline, watchers: Sequence[Watcher], say: Callable[[str], None]) -> GroupDone:
    """What a new group and a resumed one have in common."""
    plan = group.plan
    hint = f"go on with: kpipe run --resume {group.name}"
    failed: dict[int, str] = {}
    unsent: list[str] = []
    say(f"{plan.pipeline}  group {group.name}  {plan.count} seeds, {plan.first} to {plan.seeds[-1]}")
    with saying_how_to_go_on(f"group {group.name}", hint):
        for number, seed in enumerate(plan.seeds, 1):
            begun = group.runs
            if seed in begun and begun[seed].record.status == "FINISHED":
                continue
            say(f"\nseed {seed}, {number} of {plan.count}")
            try:
                finished = one(group, pipeline, seed, begun, watchers, say)
            except Diverged as error:
                failed[seed] = error.message
                say(f"failed  {error.message}")
            except TrackingError as error:
                error.hint = "\n".join(filter(None, (error.hint, hint)))
                raise
            else:
                unsent += [finished.unsent] if finished.unsent else []
                for outcome in finished.expected:
                    say(f"expect  {outcome.words}")
            clear()
        write(group.folder / "report.html", [of_group(group)])
    return GroupDone(group, failed, tuple(unsent))


def one(
    group: Group,
    pipeline: Pipeline,
    seed: int,
    begun: dict[int, Run],
    watchers: Sequence[Watcher],
    say: Callable[[str], None],
) -> Finished:
    """The run of one seed, which is gone on with where it was begun; all are on the first one's backend."""
    if seed in begun and (begun[seed].folder / "resolved.yaml").exists():
        return run.resume(begun[seed].name, None, watchers, group.root, say)
    plan, first = group.plan, next(iter(begun.values()), None)
    option = (first.record.backend if first is not None else None) or plan.backend
    if first is not None and first.record.fastest:
        pipeline = pipeline.model_copy(update={"backend": option})
    text = (group.folder / "pipeline.yaml").read_text(encoding="utf-8")
    said = "" if seed == plan.first else f"# --set seed={seed}\n"
    seeded = pipeline.model_copy(update={"seed": seed})
    return run.run(seeded, said + text, option, watchers, group.root, say, group.name)
