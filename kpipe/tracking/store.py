"""Store: where MLflow keeps the runs, this project's own database or the server of MLFLOW_TRACKING_URI."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from kpipe.errors import TrackingError
from kpipe.files import Lock, safe_name, write_atomic
from kpipe.runs import LOCAL

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
"""MLflow waits minutes for a server that is gone, and reports usage to its makers, unless told otherwise."""


CREDENTIALS = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_AUTH")
"""What MLflow tells every server it talks to, whoever chose it."""


def local_uri(root: Path) -> str:
    return f"sqlite:///{root.resolve() / 'mlflow.db'}"


def without_password(uri: str) -> str:
    """The URI as it may be shown and kept: ``postgresql://me:secret@db/x -> postgresql://me:***@db/x``."""
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@")))


def chosen() -> str:
    """What a new run records: ``local``, or MLFLOW_TRACKING_URI without its password."""
    return without_password(os.environ.get("MLFLOW_TRACKING_URI", "")) or LOCAL


def resolve(recorded: str, root: Path) -> str:
    """The URI to connect to, from what a run recorded.

    Raises: TrackingError: it needs a password, or would be told one that is meant for another server.
    """
    given = os.environ.get("MLFLOW_TRACKING_URI", "")
    if recorded == LOCAL:
        return local_uri(root)
    if given and without_password(given) == recorded:
        return given
    if ":***@" in recorded:
        raise TrackingError(f"the password of {recorded} is not kept with the run", "set MLFLOW_TRACKING_URI")
    secret = next((name for name in CREDENTIALS if os.environ.get(name)), None)
    if secret is not None and is_server(recorded):
        hint = f"if it is to have it: MLFLOW_TRACKING_URI={recorded}; else unset {secret}"
        raise TrackingError(f"the run was recorded at {recorded}, which would be told {secret}", hint)
    return recorded


def is_server(uri: str) -> bool:
    return uri.startswith(("http://", "https://"))


def connect(uri: str, root: Path) -> MlflowClient:
    """Opens the store, creating a database where there is none; one process at a time, as MLflow cannot.

    Raises: TrackingError: MLflow cannot use this URI.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import mlflow
    from mlflow.exceptions import MlflowException

    root.mkdir(parents=True, exist_ok=True)
    lock = Lock(Path(f"{urlsplit(uri).path[1:]}.lock") if uri.startswith("sqlite:///") else root / "store.lock")
    with lock:
        if not is_server(uri) and not lock.take(seconds=120):
            raise TrackingError(f"the store {without_password(uri)} is locked by another process", f"see {lock.path}")
        try:
            mlflow.set_tracking_uri(uri)
            client = mlflow.MlflowClient(uri)
            if not is_server(uri):
                client.search_experiments(max_results=1)
            if uri == local_uri(root):
                follow_move(root.resolve())
        except (MlflowException, OSError, ImportError) as error:
            raise TrackingError(f"MLflow cannot use {without_password(uri)}: {reason(error)}", REMEDY) from error
    return client


def follow_move(root: Path) -> None:
    """MLflow's database names artifacts by absolute paths; when the store was moved or copied, they are made right."""
    marker, here = root / "place.txt", root.as_uri()
    before = marker.read_text(encoding="utf-8") if marker.exists() else here
    if before != here:
        with closing(sqlite3.connect(root / "mlflow.db", timeout=30)) as database, database:
            for table, column in LOCATIONS:
                database.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",  # noqa: S608
                    (f"{here}/", len(before) + 2, len(before) + 1, f"{before}/"),
                )
    if before != here or not marker.exists():
        write_atomic(marker, here)


LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
)
KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Training of models: without it MLflow's pages take the experiment for one of language models."""
REMEDY = "check MLFLOW_TRACKING_URI, or unset it to record in the local store"


def experiment(client: MlflowClient, name: str, uri: str, root: Path) -> str:
    """The id of the experiment called ``name``, created where there is none, with its artifacts under ``root``.

    Raises: TrackingError: the server does not answer, refuses, or the experiment was deleted.
    """
    from mlflow.exceptions import MlflowException

    place = None if is_server(uri) else (root.resolve() / "artifacts" / safe_name(name)).as_uri()
    try:
        found = client.get_experiment_by_name(name)
        if found is None:
            try:
                return str(client.create_experiment(name, artifact_location=place, tags=KIND))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                found = client.get_experiment_by_name(name)
    except (MlflowException, OSError) as error:
        raise TrackingError(f"MLflow at {without_password(uri)} does not answer: {reason(error)}", REMEDY) from error
    if found is None or found.lifecycle_stage != "active":
        raise TrackingError(
            f"the experiment `{name}` was deleted in MLflow",
            f"mlflow experiments restore --experiment-id {found.experiment_id if found else '?'}, "
            "or choose another: track.experiment",
        )
    return str(found.experiment_id)


def reason(error: BaseException) -> str:
    """The one line that matters of an error of MLflow or the network."""
    text = re.sub(r"\s+", " ", str(error)).split(" [SQL")[0] or type(error).__name__
    for inner in (
        "Connection refused",
        "timed out",
        "Name or service not known",
        "Temporary failure in name resolution",
    ):
        if inner.lower() in text.lower():
            return inner.lower()
    return text[:300]
