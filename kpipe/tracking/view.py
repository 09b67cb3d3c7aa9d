"""View: the columns that MLflow's table of an experiment opens with, what differs between its runs and what came of it.

MLflow keeps a view that is saved and shared as a tag of the experiment, and lists it under "Views".
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

KEY, NAME = "kpipe", "Results"
TAG = f"mlflow.sharedViewState.{KEY}"
RUNS = 200
"""The latest, which say what differs."""
PARAMS, METRICS = 8, 3
"""More columns than these hide each other."""
LONG = 40
"""A param with a longer value is no column."""
ORDER = ("", "val", "train", "test", "validation", "best", "trials")
"""Of the charts' sections: MLflow would begin with ``progress``. Those of others stand after these, and are closed."""
MODEL, SYSTEM = "Model metrics", "System metrics"
"""What MLflow calls the section of metrics without a ``/``, and its own."""


def write(client: MlflowClient, first: Sequence[str] = ()) -> dict[str, str]:
    """Gives every experiment with runs its view, of the test's numbers those ``first``.

    Returns the experiments' names and ids, the one last in use first.
    """
    found = {}
    for experiment in client.search_experiments(order_by=["last_update_time DESC"]):
        runs = client.search_runs([experiment.experiment_id], max_results=RUNS)
        if runs:
            found[experiment.name] = experiment.experiment_id
            state = json.dumps(state_of(runs, first))
            if is_to_be_written(experiment.tags.get(TAG), state):
                now = int(time.time() * 1000)
                view = {"name": NAME, "createdAt": now, "updatedAt": now, "state": state}
                client.set_experiment_tag(experiment.experiment_id, TAG, json.dumps(view))
    return found


def is_to_be_written(before: str | None, state: str) -> bool:
    """A view that somebody has changed in MLflow's pages, later than it was made, stays as it is."""
    if before is None:
        return True
    try:
        view = json.loads(before)
        return bool(view["updatedAt"] == view["createdAt"] and view["state"] != state)
    except (ValueError, KeyError, TypeError):
        return True


def state_of(runs: Sequence[Run], first: Sequence[str]) -> dict[str, Any]:
    """What MLflow keeps of a view: columns, and the order of the sections of charts, which it fills by itself."""
    return {
        "selectedColumns": columns(runs, first),
        "compareRunCharts": [],
        "compareRunSections": sections(name for run in runs for name in run.data.metrics),
        "isAccordionReordered": True,
    }


def columns(runs: Sequence[Run], first: Sequence[str]) -> list[str]:
    """The columns' names as MLflow writes them: ``params.`model.dropout```."""
    params = differing(run.data.params for run in runs)
    tags = ("status", "group", "expected") if "backend" in params else ("backend", "status", "group", "expected")
    return [
        "attributes.`Duration`",
        *(f"metrics.`{name}`" for name in results((run.data.metrics for run in runs), first)),
        *(f"params.`{name}`" for name in params),
        *(f"tags.`{name}`" for name in tags if any(name in run.data.tags for run in runs)),
    ]


def sections(metrics: Iterable[str]) -> list[dict[str, Any]]:
    """The sections of charts: what a run came to and its curves, then the rest, closed."""
    stages = sorted({name.rpartition("/")[0] for name in metrics}, key=lambda stage: (place_of(stage), stage))
    shown = [(stage or MODEL, place_of(stage) < len(ORDER)) for stage in stages]
    if MODEL not in dict(shown):
        shown.append((MODEL, True))
    return [
        {"uuid": name, "name": name, "display": display, "isReordered": True, "deleted": False, "isGenerated": True}
        for name, display in [*shown, (SYSTEM, True)]
    ]


def place_of(stage: str) -> int:
    """Curves of a stage (``1-pretrain/val``) stand where those of a run's only stage do; single classes do not."""
    name = stage if stage.startswith(("test/", "validation/")) else stage.rpartition("/")[2]
    return ORDER.index(name) if name in ORDER else len(ORDER)


def results(metrics: Iterable[Mapping[str, float]], first: Sequence[str]) -> list[str]:
    """What a trial is judged by, and of the test's numbers those ``first``, or any, but none of single classes."""
    counts: dict[str, int] = {}
    for name in (name for one in metrics for name in one):
        if name == "objective" or (name.startswith("test/") and name.count("/") == 1):
            counts[name] = counts.get(name, 0) + 1
    wanted = [name for name in ("objective", *(f"test/{name}" for name in first)) if name in counts]
    return (wanted or sorted(counts, key=lambda name: (-counts[name], name)))[:METRICS]


def differing(params: Iterable[Mapping[str, str]]) -> list[str]:
    """The params of which runs have different values, those that take the most first; of a trial by the short names."""
    values: dict[str, set[str]] = {}
    for name, value in (item for one in params for item in one.items()):
        values.setdefault(name, set()).add(value)
    names = [
        name
        for name, seen in values.items()
        if len(seen) > 1 and max(map(len, seen)) <= LONG and not ("." in name and name.rpartition(".")[2] in values)
    ]
    return sorted(names, key=lambda name: (name != "backend", -len(values[name]), name))[:PARAMS]
