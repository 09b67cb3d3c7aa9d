"""Groups: the runs of one pipeline with several seeds, as ``kpipe run FILE --seeds 5`` makes them.

A group's folder, ``mlruns/groups/amber-raven-52``, says what it was to be. Its runs are ordinary ones of
``mlruns/runs``, each of which names its group, so that nothing is lost whenever the process dies.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ConfigDict, Field

from kpipe import finding, runs
from kpipe.errors import RunNotFound, WrongInput
from kpipe.files import Lock, write_atomic
from kpipe.runs import Run
from kpipe.spec.spec import Spec

MOST = 100
"""Seeds of a group."""


class Plan(Spec):
    """What ``group.json`` holds; fields that a newer kpipe wrote are passed over."""

    model_config = ConfigDict(extra="ignore")

    name: str
    pipeline: str
    first: int = Field(ge=0, lt=2**32)
    """the first seed"""
    count: int = Field(ge=1, le=MOST)
    """how many seeds follow each other from there"""
    backend: str | None = None
    """as it was asked for; of a group whose first run was begun, all take that one's"""

    @property
    def seeds(self) -> range:
        return range(self.first, self.first + self.count)


class Group:
    """One group's folder, and its runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.name = self.folder.name
        self._lock = Lock(self.folder / "group.lock")

    @property
    def root(self) -> Path:
        """The store that this group and its runs belong to."""
        return self.folder.parents[1]

    @property
    def plan(self) -> Plan:
        """What the group is to be. Raises: RunNotFound: ``group.json`` is not there, or was damaged."""
        path = self.folder / "group.json"
        try:
            return Plan.model_validate_json(path.read_bytes())
        except (OSError, ValueError) as error:
            raise RunNotFound(f"{path}: not the record of a group: {error}") from error

    @property
    def runs(self) -> dict[int, Run]:
        """The runs that were begun, by seed, in order; those with a damaged record are left out."""
        known = [(run.record, run) for run in reversed(runs.runs(self.root))]
        mine = {record.seed: run for record, run in known if record.group == self.name}
        return {seed: mine[seed] for seed in self.plan.seeds if seed in mine}

    @property
    def seeds_left(self) -> list[int]:
        """Those whose runs have not finished, or were not begun."""
        begun = self.runs
        return [seed for seed in self.plan.seeds if seed not in begun or begun[seed].record.status != "FINISHED"]

    def write(self, plan: Plan) -> None:
        write_atomic(self.folder / "group.json", plan.model_dump_json(indent=2) + "\n")

    def hold(self) -> None:
        """Makes the group this process's, until it ends.

        Raises: WrongInput: another process is at work on it, or it would be written to elsewhere.
        """
        runs.require_inside(self.folder)
        if self._lock.handle is None and not self._lock.take(0.3):
            message = f"group {self.name} is still running in another process"
            raise WrongInput(message, "wait for it, or stop it")

    def free(self) -> None:
        self._lock.free()


def create(root: Path, pipeline: str, first: int, count: int, backend: str | None = None) -> Group:
    """A new group with a name that no group and no run of ``root`` has, held by this process.

    Raises: WrongInput: it cannot be written.
    """
    group = Group(runs.new_folder(root / runs.GROUPS, beside=root / "runs"))
    group.hold()
    group.write(Plan(name=group.name, pipeline=pipeline, first=first, count=count, backend=backend))
    return group


def find(root: Path, text: str) -> Group | None:
    """The group called ``text``, by its name or a unique beginning of it; None where that is no group's.

    Raises: RunNotFound: it is the beginning of several groups, or of a group and of runs; or it is damaged.
    """
    known = sorted(path.parent for path in (root / runs.GROUPS).glob("*/group.json"))
    exact = [folder for folder in known if folder.name == text]
    found = exact or [folder for folder in known if text and folder.name.startswith(text)]
    if not found or (not exact and text == "last"):
        return None
    names = [folder.name for folder in found]
    if not exact:
        alike = [run.name for run in runs.folders(root) if run.name.startswith(text)]
        if text in alike:
            return None
        names += sorted(alike)
    if len(names) > 1:
        raise RunNotFound(f"`{text}` is the beginning of {len(names)} groups and runs", finding.some(names))
    group = Group(found[0])
    _ = group.plan  # raises where it is damaged
    return group
