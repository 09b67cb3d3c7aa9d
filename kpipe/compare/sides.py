"""Sides: what is compared, found by name, by experiment or by a query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from kpipe import finding, groups, runs
from kpipe.compare.differences import Written, written, written_in
from kpipe.compare.kept import Kept, Side
from kpipe.errors import RunNotFound, WrongInput
from kpipe.pipeline import Pipeline
from kpipe.runs import Run
from kpipe.spec.check import checked
from kpipe.spec.document import read
from kpipe.spec.mistake import nearest

ENDINGS = (".yaml", ".yml")
MOST = 50
"""Sides that one comparison can hold: nobody reads more."""


def chosen(root: Path, names: Sequence[str], experiment: str | None = None, query: str | None = None) -> list[Side]:
    """The sides of a comparison: those named, then those of an experiment, then those that MLflow finds.

    Raises: RunNotFound; WrongInput: there are none, or too many. TrackingError: MLflow cannot be asked.
    """
    if not names and experiment is None and query is None:
        raise WrongInput("nothing to compare", "name runs or groups, or give --experiment or --query")
    sides = [side_of(root, name) for name in names]
    if experiment is not None:
        sides += gathered(of_experiment(root, experiment))
    if query is not None:
        from kpipe.tracking.query import found

        sides += gathered(found(root, query))
    sides = list({side.name: side for side in sides}.values())
    if len(sides) > MOST:
        raise WrongInput(f"{len(sides)} runs and groups are too many to compare", f"choose at most {MOST}")
    return sides


def side_of(root: Path, name: str) -> Side:
    """A group, or a run; a search's name stands for its best trial. Raises: RunNotFound; WrongInput."""
    group = groups.find(root, name)
    if group is not None:
        return of_group(group)
    return of_run(finding.with_model(finding.find(root, name)))


def of_run(run: Run) -> Side:
    return Side(run.name, (Kept(run),))


def of_group(group: groups.Group) -> Side:
    """A group's runs, seed by seed. Raises: WrongInput: none was begun."""
    begun = tuple(Kept(run) for run in group.runs.values() if (run.folder / "resolved.yaml").exists())
    if not begun:
        raise WrongInput(f"group {group.name} has no runs yet", f"kpipe run --resume {group.name} goes on with it")
    return Side(group.name, begun, group.plan.count)


def of_experiment(root: Path, name: str) -> list[Run]:
    """The finished runs of an experiment, the oldest first. Raises: RunNotFound: there are none."""
    known = [run for run in reversed(runs.runs(root)) if run.record.kind == "run" and run.status == "FINISHED"]
    mine = [run for run in known if run.record.experiment == name]
    if not mine:
        names = sorted({run.record.experiment for run in known})
        near = nearest(name, names)
        hint = f"did you mean `{near}`?" if near else f"experiments: {', '.join(names) or 'none'}"
        raise RunNotFound(f"no finished runs of an experiment `{name}` in {root / 'runs'}", hint)
    return mine


def gathered(found: Iterable[Run]) -> list[Side]:
    """The runs as sides; those of a group as one."""
    sides: dict[str, Side] = {}
    for run in found:
        group = run.record.group
        if group in sides:
            continue
        kept = groups.find(run.root, group) if group is not None else None
        side = of_run(run) if kept is None else of_group(kept)
        sides.setdefault(side.name, side)
    return list(sides.values())


def named(root: Path, name: str) -> tuple[str, Written]:
    """A pipeline by its file, or by the run or group that was made of it.

    Raises: SpecError: the file has mistakes. RunNotFound: neither a file nor a run is called so.
    """
    file = Path(name)
    if file.suffix in ENDINGS or file.is_file():
        return name, written(checked(Pipeline, read(file)))
    if (group := groups.find(root, name)) is not None:
        return group.name, written_in(group.folder / "resolved.yaml")
    try:
        run = finding.find(root, name)
    except RunNotFound as error:
        raise RunNotFound(f"{name}: no such file, and {error.message}", error.hint) from None
    return run.name, written_in(run.folder / "resolved.yaml")
