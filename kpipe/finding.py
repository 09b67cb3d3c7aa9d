"""Finding: the run that a person means by a name."""

from __future__ import annotations

import json
from pathlib import Path

from kpipe import runs
from kpipe.errors import RunNotFound, WrongInput
from kpipe.runs import Run
from kpipe.spec.mistake import nearest


def find(root: Path, text: str) -> Run:
    """The run called ``text``: its name, a unique beginning of it, its MLflow run id, or ``last``; a trial is
    ``SEARCH/NUMBER``, with any of these for the search.

    Raises: RunNotFound: no such run (with the nearest name), several, or one with a damaged record.
    """
    search, slash, number = text.partition("/")
    if slash and number[:1].isdecimal():
        return find_trial(find(root, search), number)
    known, everything = runs.runs(root), runs.folders(root)
    if not everything:
        raise RunNotFound(f"no runs in {root / 'runs'}", "kpipe run PIPELINE.yaml makes one")
    if text == "last" and known:
        return known[0]
    exact = [run for run in known if text in (run.name, run.record.mlflow_run_id)]
    damaged = [run for run in everything if run.name == text]
    found = exact or damaged or [run for run in known if text and run.name.startswith(text)]
    found = found or [trial for run in known for trial in run.trials if text and trial.mlflow_run_id == text]
    if len(found) == 1:
        _ = found[0].record  # raises where it is damaged
        return found[0]
    if found:
        raise RunNotFound(f"`{text}` is the beginning of {len(found)} runs", some([run.name for run in found]))
    if grouped := [run.name for run in known if text and run.record.group == text]:
        raise RunNotFound(f"`{text}` is a group of runs", f"name one of them: {some(grouped)}")
    near = nearest(text, [*(run.name for run in known), *(path.name for path in (root / runs.GROUPS).glob("*"))])
    hint = f"did you mean `{near}`?" if near else f"newest first: {some([run.name for run in known])}"
    raise RunNotFound(f"no run `{text}` in {root / 'runs'}", hint)


def find_trial(search: Run, number: str) -> Run:
    """A trial by its number, ``7`` for ``07`` too. Raises: RunNotFound: there is none, or it is damaged."""
    names = [trial.folder.name for trial in search.trials]
    for name in names:
        if name == number or (name.isdecimal() and name.lstrip("0") == number.lstrip("0")):
            trial = Run(search.folder / runs.TRIALS / name)
            _ = trial.record  # raises where it is damaged
            return trial
    hint = f"its trials: {names[0]} to {names[-1]}" if names else "choose another run"
    raise RunNotFound(f"{search.name} has no trial {number}", hint)


def with_model(run: Run) -> Run:
    """The run whose model is meant by ``run``: itself, or of a search its best trial, which ``best.json`` names.

    Raises: WrongInput: the search has no best trial yet. RunNotFound: it is gone.
    """
    if run.record.kind != "search":
        return run
    try:
        best = str(json.loads((run.folder / "best.json").read_bytes())["trial"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        hint = f"name one of its trials, as {run.trials[0].name}" if run.trials else "choose another run"
        raise WrongInput(f"the search {run.name} has no best trial yet", hint) from None
    return find_trial(run, best)


def some(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
