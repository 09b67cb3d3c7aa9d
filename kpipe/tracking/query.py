"""Query: the runs that MLflow finds by a filter in its own words."""

from __future__ import annotations

from pathlib import Path

from kpipe import runs
from kpipe.errors import RunNotFound, WrongInput
from kpipe.runs import Run
from kpipe.tracking import store

MOST = 1000
HINT = 'for example: metrics."test/accuracy" > 0.97 and params."model.type" = \'cnn\''


def found(root: Path, query: str) -> list[Run]:
    """The runs of this store that the filter finds, the oldest first; trials of a search are left out.

    Raises: WrongInput: MLflow does not understand the filter. RunNotFound: it finds none of this store.
        TrackingError: MLflow cannot be asked.
    """
    uri = store.resolve(store.chosen(), root)
    client = store.connect(uri, root)
    from mlflow.exceptions import MlflowException

    experiments = [one.experiment_id for one in client.search_experiments()]
    try:
        answer = client.search_runs(experiments, query, max_results=MOST, order_by=["attributes.start_time ASC"])
    except MlflowException as error:
        if error.error_code != "INVALID_PARAMETER_VALUE":
            raise
        raise WrongInput(f"--query: {store.reason(error)}", HINT) from error
    known = {run.record.mlflow_run_id: run for run in runs.runs(root) if run.record.kind == "run"}
    mine = [known[one.info.run_id] for one in answer if one.info.run_id in known]
    if not mine:
        raise RunNotFound(f"--query: none of the runs in {root / 'runs'} that MLflow knows is so", HINT)
    return mine
