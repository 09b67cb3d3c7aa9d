"""Sender: reads a run's journal and tells MLflow, remembering how far it got, so that nothing is sent twice."""

from __future__ import annotations

import getpass
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kpipe.errors import TrackingError
from kpipe.files import Lock, write_atomic
from kpipe.runs import Run
from kpipe.tracking import journal, logged_model, packaging, store
from kpipe.tracking.journal import Event
from kpipe.tracking.limits import MAX_PARAM, MAX_TAG, METRICS_A_BATCH, OTHERS_A_BATCH, cut, key_of
from kpipe.tracking.sent import Sent

if TYPE_CHECKING:
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

logger = logging.getLogger("kpipe")

LOCK_SECONDS = 60.0
"""A sender whose run died, and was gone on with at once, may have much to send before it ends."""


class Sender:
    """One run's way into MLflow."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.path = run.folder / "sent.json"
        self.sent = self._remembered()
        self.lock = Lock(run.folder / "sent.lock")
        self.next_try = 0.0
        """when it is worth while to try again, by the monotonic clock"""
        self.client: MlflowClient
        self.metrics: list[Any] = []
        self.params: list[Any] = []
        self.tags: list[Any] = []

    @property
    def behind(self) -> bool:
        """MLflow was not told everything."""
        return not self.run.journal.exists() or self.sent.offset < self.run.journal.stat().st_size

    def open(self) -> None:
        """Finds or creates the experiment and the run. Raises: TrackingError: MLflow refuses or does not answer."""
        if not self.lock.take(seconds=LOCK_SECONDS):
            raise TrackingError(f"another process is sending run {self.run.name}", "wait for it")
        self.sent = self._remembered()  # another sender may have gone further while this one waited
        record = self.run.record
        uri = store.resolve(record.tracking_uri or store.chosen(), self.run.root)
        self.client = store.connect(uri, self.run.root)
        experiment = store.experiment(self.client, record.experiment, uri, self.run.root)
        if self.sent.run_id:
            return
        from mlflow.exceptions import MlflowException

        try:
            run_id = self._run_in(experiment)
        except (MlflowException, OSError) as error:
            place = store.without_password(uri)
            raise TrackingError(
                f"MLflow at {place} does not take the run: {store.reason(error)}", store.REMEDY
            ) from error
        self._remember(experiment_id=experiment, run_id=run_id)

    def _open_under(self, search: Sender) -> None:
        """The same for a trial, which MLflow shows under the run of its search."""
        self.client = search.client
        if not self.sent.run_id:
            experiment = search.sent.experiment_id
            run_id = self._run_in(experiment, {"mlflow.parentRunId": search.sent.run_id})
            self._remember(experiment_id=experiment, run_id=run_id)

    def _run_in(self, experiment: str, tags: Mapping[str, str] | None = None) -> str:
        """The run's id in MLflow, where it is made if it is not there.

        A sender killed before it could remember leaves a run to be found; MLflow's pages hide MLflow's own tags.
        """
        record, tag = self.run.record, "mlflow.kpipe.id"
        known = self.client.search_runs([experiment], f"tags.`{tag}` = '{record.id}'", max_results=1)
        created = (
            known[0]
            if known
            else self.client.create_run(
                experiment,
                start_time=int(record.start.timestamp() * 1000),
                run_name=self._name(),
                tags={tag: record.id, "mlflow.source.name": f"kpipe: {record.pipeline}", **user(), **(tags or {})},
            )
        )
        return str(created.info.run_id)

    def _name(self) -> str:
        """In MLflow's narrow column of nested runs, only the beginning of a trial's name can be read."""
        search = self.run.parent
        return f"{self.run.folder.name} of {search.name}" if search else self.run.name

    def send(self, under: Sender | None = None) -> str | None:
        """Sends all that is new; of a trial ``under`` the sender of its search, which is open.

        Returns why it could not, or None when MLflow has everything that it takes.
        """
        from mlflow.exceptions import MlflowException

        try:
            if under is not None and under is not self:
                self._open_under(under)
            try:
                self._send_together()
            except MlflowException as error:
                if not self._is_invalid(error):
                    raise
                self._send_one_by_one()
        except (MlflowException, OSError) as error:
            return store.reason(error)
        finally:
            self._drop()
        return None

    def _send_together(self) -> None:
        events = journal.read(self.run.journal, self.sent.offset)
        for event in events:
            self._take(event)
        if events:
            self._flush(events[-1].end)

    def _send_one_by_one(self) -> None:
        """The slow way, which finds the events that MLflow refuses, and leaves them out."""
        from mlflow.exceptions import MlflowException

        for event in journal.read(self.run.journal, self.sent.offset):
            self._drop()
            try:
                self._take(event)
                self._flush(event.end)
            except MlflowException as error:
                if not self._is_invalid(error):
                    raise
                logger.warning("left out, as MLflow refuses it: %s %s: %s", event.kind, event.data, store.reason(error))
                self._remember(offset=event.end, skipped=self.sent.skipped + 1)

    def _is_invalid(self, error: MlflowException) -> bool:
        """MLflow will never take it; of a run deleted in MLflow, which may be restored, it says the same of all."""
        if error.error_code != "INVALID_PARAMETER_VALUE":
            return False
        return bool(self.client.get_run(self.sent.run_id).info.lifecycle_stage == "active")

    def _drop(self) -> None:
        self.metrics, self.params, self.tags = [], [], []

    def _take(self, event: Event) -> None:
        from mlflow.entities import Metric, Param, RunTag

        data, when = event.data, event.data["time"]
        if event.kind == "metrics":
            self.metrics += [Metric(key_of(key), value, when, data["step"]) for key, value in data["values"].items()]
        elif event.kind == "params":
            self.params += [Param(key_of(key), cut(value, MAX_PARAM)) for key, value in data["values"].items()]
        elif event.kind == "tags":
            values = data["values"]
            if "git.commit" in values:  # MLflow's own name for it, which its pages look for
                values = {**values, "mlflow.source.git.commit": values["git.commit"]}
            self.tags += [RunTag(key_of(key), cut(value, MAX_TAG)) for key, value in values.items()]
        else:
            self._flush()
            act: Callable[[dict[str, Any]], None] = getattr(self, f"_{event.kind}")
            act(data)
            self._remember(offset=event.end)
        if len(self.metrics) >= METRICS_A_BATCH:
            self._flush(event.end)

    def _flush(self, offset: int | None = None) -> None:
        while self.metrics or self.params or self.tags:
            self.client.log_batch(
                self.sent.run_id,
                metrics=self.metrics[:METRICS_A_BATCH],
                params=self.params[:OTHERS_A_BATCH],
                tags=self.tags[:OTHERS_A_BATCH],
            )
            del self.metrics[:METRICS_A_BATCH], self.params[:OTHERS_A_BATCH], self.tags[:OTHERS_A_BATCH]
        if offset is not None:
            self._remember(offset=offset)

    def _remembered(self) -> Sent:
        """What is there already is found again in MLflow where the file is damaged, and not made twice."""
        try:
            return Sent.model_validate_json(self.path.read_bytes()) if self.path.exists() else Sent()
        except (OSError, ValueError):
            return Sent()

    def _remember(self, **changes: Any) -> None:
        self.sent = Sent.model_validate({**self.sent.model_dump(), **changes})
        write_atomic(self.path, self.sent.model_dump_json() + "\n")

    def _dataset(self, data: dict[str, Any]) -> None:
        self.client.log_inputs(self.sent.run_id, [packaging.dataset_input(data)])

    def _holds(self, name: str) -> bool:
        """Whether something the journal names is there, in the run's folder, and no link in it leads out of there."""
        place = self.run.folder / name
        parts = [place, *place.rglob("*")] if place.is_dir() else [place]
        return place.exists() and all(part.resolve().is_relative_to(self.run.folder) for part in parts)

    def _artifact(self, data: dict[str, Any]) -> None:
        if not (self._holds(data["file"]) and (self.run.folder / data["file"]).is_file()):
            self.client.set_tag(self.sent.run_id, key_of(f"missing.{data['file']}"), "was gone when it should be sent")
            return
        self.client.log_artifact(self.sent.run_id, str(self.run.folder / data["file"]), data["folder"] or None)

    def _model(self, data: dict[str, Any]) -> None:
        place = self.run.folder / data["folder"]
        if not (self._holds(data["folder"]) and place.is_dir()):  # a search keeps the model of its best trial alone
            self.client.set_tag(
                self.sent.run_id, key_of(f"missing.{data['folder']}"), "was gone when it should be sent"
            )
            return
        if self.sent.model_id is None:
            self._remember(model_id=logged_model.made(self.client, self.sent, self.run.record.pipeline))
        logged_model.fill(self.client, self.sent, place)
        if self.client.get_run(self.sent.run_id).info.status != "RUNNING":
            self._measure_model()  # of a trial that proved the best only when the search had ended

    def _register(self, data: dict[str, Any]) -> None:
        logged_model.register(self.client, self.sent, data["name"], data["alias"])

    def _resume(self, _: dict[str, Any]) -> None:
        self.client.update_run(self.sent.run_id, status="RUNNING")

    def _end(self, data: dict[str, Any]) -> None:
        self.client.set_terminated(self.sent.run_id, data["status"], data["time"])
        if self.sent.model_id is not None:
            self._measure_model()

    def _measure_model(self) -> None:
        logged_model.measure(self.client, self.sent, "validation" if self.run.is_trial else "test")


def user() -> dict[str, str]:
    """Who ran it, as MLflow's own clients say; nobody, where the system has no name for the user."""
    try:
        return {"mlflow.user": getpass.getuser()}
    except (OSError, KeyError):
        return {}
