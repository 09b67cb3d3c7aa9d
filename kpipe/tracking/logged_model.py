"""A run's model in MLflow: made, filled, measured, and registered. Each step may be told twice and is done once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from kpipe.tracking import packaging
from kpipe.tracking.limits import METRICS_A_BATCH, key_of
from kpipe.tracking.sent import Sent

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


def made(client: MlflowClient, sent: Sent, name: str) -> str:
    """The id of the run's model in MLflow, where it is made if it is not there."""
    query = f"source_run_id = '{sent.run_id}'"
    found = client.search_logged_models([sent.experiment_id], query, max_results=1)
    if found:
        return str(found[0].model_id)
    params = dict(client.get_run(sent.run_id).data.params)
    created = client.create_logged_model(
        sent.experiment_id, name=name, source_run_id=sent.run_id, params=params, model_type="keras"
    )
    return str(created.model_id)


def fill(client: MlflowClient, sent: Sent, folder: Path) -> None:
    """Sends the files of the model that was made."""
    from mlflow.entities import LoggedModelOutput

    model = client.get_logged_model(sent.model_id)
    outputs = client.get_run(sent.run_id).outputs
    if model.model_id not in {known.model_id for known in (outputs.model_outputs if outputs else [])}:
        client.log_outputs(sent.run_id, [LoggedModelOutput(model.model_id, step=0)])
    with packaging.packaged(folder, model, sent.run_id) as packed:
        client.log_model_artifacts(model.model_id, str(packed))
    client.finalize_logged_model(model.model_id, "READY")


def measure(client: MlflowClient, sent: Sent, split: str) -> None:
    """The final metrics on a split stand beside the model, too, in MLflow's table of models.

    Those of single classes (``test/recall/cat``) do not: each would cost a request, and there may be thousands.
    """
    from mlflow.entities import Metric

    run = client.get_run(sent.run_id)
    datasets = run.inputs.dataset_inputs if run.inputs else []
    measured = [item.dataset for item in datasets if split in {tag.value for tag in item.tags}]
    beside = {"model_id": sent.model_id}
    if measured:
        beside |= {"dataset_name": measured[0].name, "dataset_digest": measured[0].digest}
    final = [
        Metric(point.key, point.value, point.timestamp, point.step, **beside)
        for key in run.data.metrics
        if key.startswith(f"{split}/") and key.count("/") == 1
        for point in client.get_metric_history(sent.run_id, key)[-1:]
    ]
    client.log_batch(sent.run_id, metrics=final[:METRICS_A_BATCH])


def register(client: MlflowClient, sent: Sent, name: str, alias: str) -> None:
    """The model as a version of a registered one; one that is told twice keeps its version.

    An alias that has gone on to a later version stays there.
    """
    from mlflow.exceptions import MlflowException

    if sent.model_id is None:
        client.set_tag(sent.run_id, key_of(f"missing.model.{name}"), "there was no model to register")
        return
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = f"models:/{sent.model_id}"
    known = [one for one in client.search_model_versions(f"run_id = '{sent.run_id}'") if one.source == source]
    if not any(one.name == name for one in known):
        known.append(client.create_model_version(name, source, sent.run_id, model_id=sent.model_id))
    version = next(one for one in known if one.name == name)
    beside = json.dumps([{"name": one.name, "version": str(one.version)} for one in known])
    client.set_logged_model_tags(sent.model_id, {"mlflow.modelVersions": beside})  # for MLflow's table of models
    holder = client.get_registered_model(name).aliases.get(alias, 0)
    if int(holder) < int(version.version):
        client.set_registered_model_alias(name, alias, version.version)
