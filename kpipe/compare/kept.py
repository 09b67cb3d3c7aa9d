"""Kept: what a run left on disk, as far as runs are compared by it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from kpipe.compare.differences import Written, written_in
from kpipe.runs import Run
from kpipe.tracking.journal import Event, read

MEASURED = ("test", "validation")
"""A run is measured on test, a trial of a search on validation."""
Curve = tuple[tuple[float, float], ...]
"""Epoch and value of each point."""
PACKAGES_OF_TAGS = ("kpipe", "keras", "tensorflow", "jax", "torch", "python")


@dataclass(frozen=True)
class Kept:
    """One run; everything is read when it is asked for, and once."""

    run: Run

    @property
    def name(self) -> str:
        return self.run.name

    @cached_property
    def written(self) -> Written:
        return written_in(self.run.folder / "resolved.yaml")

    @property
    def seed(self) -> int:
        found = self.written.whole.get("seed", 0)
        return found if isinstance(found, int) else self.run.record.seed or 0

    @cached_property
    def events(self) -> Sequence[Event]:
        return read(self.run.journal)

    @cached_property
    def parent(self) -> Kept | None:
        """Of a trial the search, which knows the environment."""
        return Kept(self.run.parent) if self.run.parent is not None else None

    @cached_property
    def tags(self) -> dict[str, str]:
        found = dict(self.parent.tags) if self.parent is not None else {}
        for event in self.events:
            if event.kind == "tags":
                found |= event.data["values"]
        return found

    @property
    def misses(self) -> bool:
        """Whether an expectation was not met."""
        return self.tags.get("expected", "met") != "met"

    @property
    def fingerprint(self) -> str:
        """Of the data; "" of a run that did not come so far."""
        return self.run.fingerprint or self.tags.get("data.fingerprint", "")

    @cached_property
    def data(self) -> dict[str, str]:
        """Where the data came from, and how many examples each split has."""
        found = {}
        for event in self.events:
            if event.kind == "dataset":
                found["origin"] = str(event.data["origin"])
                found[f"{event.data['context']} examples"] = f"{event.data['profile']['examples']:,}"
        return found

    @cached_property
    def metrics(self) -> dict[str, float]:
        """The final ones: ``{"test/accuracy": 0.98}``."""
        found: dict[str, float] = {}
        for event in self.events:
            if event.kind == "metrics":
                found |= {
                    name: value
                    for name, value in event.data["values"].items()
                    if name.partition("/")[0] in MEASURED and math.isfinite(value)
                }
        return found

    @cached_property
    def curves(self) -> dict[str, Curve]:
        """The learning curves: ``{"val/loss": ((1.0, 0.5), (2.0, 0.4))}``; of several stages ``1-fit/val/loss``."""
        points: dict[str, dict[int, tuple[float, float]]] = {}
        for event in self.events:
            if event.kind != "metrics":
                continue
            values = event.data["values"]
            for name, value in values.items():
                stage, kind, _ = curve_parts(name)
                if kind and math.isfinite(value):
                    known = points.setdefault(name, {})
                    known[event.data["step"]] = (values.get(f"{stage}progress/epoch", len(known) + 1.0), value)
        return {name: tuple(found[step] for step in sorted(found)) for name, found in points.items()}

    @cached_property
    def environment(self) -> dict[str, str]:
        """Backend, device, versions, commit; by ``package NAME`` the version of every other package."""
        found = {name: value for name, value in self.tags.items() if name in ("backend", "device")}
        found |= {
            name.removeprefix("version."): value for name, value in self.tags.items() if name.startswith("version.")
        }
        if self.tags.get("backends", found.get("backend")) != found.get("backend"):
            found["backends"] = self.tags["backends"]
        if "git.commit" in self.tags:
            changed = " with changes" if self.tags.get("git.dirty") == "true" else ""
            found["git commit"] = self.tags["git.commit"][:12] + changed
        return found | self._packages()

    def _packages(self) -> dict[str, str]:
        file = (self.parent or self).run.artifacts / "environment.txt"
        if not file.is_file():
            return {}
        first, *lines = file.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
        packages = dict(line.split("==", 1) for line in lines if "==" in line)
        machine = first.removeprefix("# ").partition(", ")[2]
        others = {f"package {name}": number for name, number in packages.items() if name not in PACKAGES_OF_TAGS}
        return {"machine": machine, **others}


def curve_parts(name: str) -> tuple[str, str, str]:
    """``1-fit/val/loss -> ("1-fit/", "val", "loss")``; no kind where it is no curve that is drawn."""
    for kind in ("train", "val"):
        before, found, metric = f"/{name}".rpartition(f"/{kind}/")
        if found and metric:
            return f"{before[1:]}/" if before else "", kind, metric
    return ("", "rate", name) if name.endswith("progress/learning_rate") else ("", "", name)


@dataclass(frozen=True)
class Side:
    """One column of a comparison: a run, or a group of runs that differ in their seeds."""

    name: str
    runs: tuple[Kept, ...]
    wanted: int = 1
    """how many seeds the group was to have"""

    @property
    def is_group(self) -> bool:
        return len(self.runs) > 1

    @property
    def written(self) -> Written:
        """The pipeline; of a group with all its seeds."""
        first = self.runs[0].written
        if not self.is_group:
            return first
        seeds = {"seed": self.seeds}
        return Written({**first.whole, **seeds}, {**first.telling, **seeds})

    @property
    def seeds(self) -> str:
        """``0 to 4``, ``0, 3, 7``, ``0, 1 of 5``."""
        found = sorted(run.seed for run in self.runs)
        follow = found == list(range(found[0], found[0] + len(found)))
        words = f"{found[0]} to {found[-1]}" if follow and len(found) > 2 else ", ".join(map(str, found))
        return words if len(found) >= self.wanted else f"{words} of {self.wanted}"

    @property
    def metrics(self) -> list[str]:
        """The final metrics that any of the runs has."""
        return list(dict.fromkeys(name for kept in self.runs for name in kept.metrics))

    def scores(self, metric: str) -> list[float]:
        return [run.metrics[metric] for run in self.runs if metric in run.metrics]

    def by_seed(self, metric: str) -> dict[int, float | None]:
        """The metric of each seed; None of a run that did not come to it."""
        return {run.seed: run.metrics.get(metric) for run in self.runs}

    def said(self, facts: Sequence[Mapping[str, str]], name: str) -> str:
        """What the runs say of ``name``, each thing once."""
        return ", ".join(dict.fromkeys(found[name] for found in facts if name in found)) or "–"
