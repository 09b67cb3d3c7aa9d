"""Journal: what happened in a run, one JSON line an event, on disk as soon as it happened."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple


def flatten(value: Any, prefix: str = "") -> dict[str, str]:
    """Nested data as MLflow params, short and flat: ``{"model": {"filters": [8, 16]}} -> {"model.filters": "8, 16"}``.

    None and empty values are left out; a list of plain values is one param.
    """
    if isinstance(value, Mapping):
        items = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, Sequence) and not isinstance(value, str):
        if not any(isinstance(item, (Mapping, list, tuple)) for item in value):
            return {prefix: ", ".join(str(item) for item in value)} if value else {}
        if len(value) == 1:
            return flatten(value[0], prefix)
        items = [(str(number), item) for number, item in enumerate(value)]
    else:
        return {} if value is None else {prefix: str(value)}
    flat: dict[str, str] = {}
    for key, item in items:
        flat |= flatten(item, f"{prefix}.{key}" if prefix else key)
    return flat


FIELDS: Mapping[str, Mapping[str, type]] = {
    "params": {"values": dict},
    "tags": {"values": dict},
    "metrics": {"values": dict, "step": int},
    "dataset": {"context": str, "name": str, "digest": str, "origin": str, "profile": dict},
    "artifact": {"file": str, "folder": str},
    "model": {"folder": str},
    "register": {"name": str, "alias": str},
    "end": {"status": str},
    "resume": {},
}
"""What each kind of event says, beside its time."""


class Event(NamedTuple):
    """One line of the journal; ``end`` is the place in the file just after it."""

    kind: str
    data: dict[str, Any]
    end: int


def read(path: Path, start: int = 0) -> list[Event]:
    """The events from byte ``start`` on; a last line not yet whole is left for the next time, what is none left out."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            text = file.read()
    except FileNotFoundError:
        return []
    events, place = [], start
    for line in text.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        place += len(line)
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):  # torn by a crash, and gone on after
            continue
        if is_event(data):
            events.append(Event(data.pop("event"), data, place))
    return events


def is_event(data: Any) -> bool:
    """Whether a line says what a journal says: it may come from somewhere else, with the folder of its run."""
    if not isinstance(data, dict) or not isinstance(data.get("event"), str) or not isinstance(data.get("time"), int):
        return False
    fields = FIELDS.get(data["event"])
    if fields is None or not all(isinstance(data.get(name), kind) for name, kind in fields.items()):
        return False
    if data["event"] == "dataset":
        return isinstance(data["profile"].get("examples"), int)
    fits = is_number if data["event"] == "metrics" else is_text
    return "values" not in fields or all(map(fits, data["values"].values()))


def is_number(value: Any) -> bool:
    """One that a float can hold."""
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63)


def is_text(value: Any) -> bool:
    return isinstance(value, str)


class Journal:
    """Writes events. Reopened on a resumed run it goes on, and leaves out what already stands in it."""

    def __init__(self, path: Path, resume: bool = True) -> None:
        self.path = path
        self.params_written: dict[str, str] = {}
        self.metrics_written: set[tuple[str, int]] = set()
        self.datasets_written: set[str] = set()
        self.models_written: set[str] = set()
        self.registered: set[str] = set()
        self.ended: str | None = None
        """the status with which it ended, unless it was gone on with after"""
        before = read(path)
        for event in before:
            self._remember(event.kind, event.data)
        self.handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
            os.write(self.handle, b"\n")
        if before and resume:
            self._write("resume")

    def params(self, values: Mapping[str, str]) -> None:
        """What was chosen. MLflow keeps a param for good: one that a resumed run changes becomes a tag."""
        new = {key: value for key, value in values.items() if key not in self.params_written}
        changed = {key: value for key, value in values.items() if self.params_written.get(key, value) != value}
        if new:
            self._write("params", values=new)
        if changed:
            self.tags({f"resumed.{key}": value for key, value in changed.items()})

    def tags(self, values: Mapping[str, str]) -> None:
        self._write("tags", values=dict(values))

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Numbers by full name (``train/loss``) at a step; one that stands there already for this step is left out.

        NaN says that there is no number, and one may follow.
        """
        new = {key: float(value) for key, value in values.items() if (key, step) not in self.metrics_written}
        if new:
            self._write("metrics", values=new, step=step)

    def dataset(self, context: str, name: str, digest: str, origin: str, profile: Mapping[str, Any]) -> None:
        """A split: ``context`` is train, validation or test, ``digest`` the data's fingerprint.

        ``profile``: ``examples`` (their number), ``inputs`` ({name: [shape, dtype]}), ``target`` (the task), ``names``.
        """
        data = {"context": context, "name": name, "digest": digest, "origin": origin, "profile": dict(profile)}
        if json.dumps(data, sort_keys=True) not in self.datasets_written:
            self._write("dataset", **data)

    def artifact(self, file: Path, folder: str = "") -> None:
        """A finished file of the run's folder, shown in MLflow under ``folder``."""
        place = os.path.relpath(file, self.path.parent)
        self._write("artifact", file=place, folder=folder)

    def model(self, folder: Path) -> None:
        """The saved model (see kpipe.serving)."""
        self._write("model", folder=os.path.relpath(folder, self.path.parent))

    def register(self, name: str, alias: str) -> None:
        """The model, written before, becomes a version of the registered model ``name``, found by ``alias``."""
        if f"{name}@{alias}" not in self.registered:
            self._write("register", name=name, alias=alias)

    def end(self, status: str) -> None:
        """FINISHED, FAILED or KILLED."""
        self._write("end", status=status)

    def close(self) -> None:
        os.close(self.handle)

    def _write(self, kind: str, **data: Any) -> None:
        line = json.dumps({"event": kind, "time": time.time_ns() // 1_000_000, **data}, ensure_ascii=False) + "\n"
        self._append(line.encode())
        self._remember(kind, data)

    def _append(self, line: bytes) -> None:
        """Writes a line, or nothing of it: a part would spoil the next one. Raises: OSError: the disk is full, say."""
        begin = os.fstat(self.handle).st_size
        try:
            while line:
                line = line[os.write(self.handle, line) :]
        except OSError as error:
            os.ftruncate(self.handle, begin)
            raise OSError(error.errno, error.strerror, str(self.path)) from error

    def _remember(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind == "params":
            self.params_written |= data["values"]
        elif kind == "metrics":
            self.metrics_written |= {(key, data["step"]) for key, value in data["values"].items() if value == value}
        elif kind == "dataset":
            known = {key: value for key, value in data.items() if key != "time"}
            self.datasets_written.add(json.dumps(known, sort_keys=True))
        elif kind == "model":
            self.models_written.add(data["folder"])
        elif kind == "register":
            self.registered.add(f"{data['name']}@{data['alias']}")
        elif kind in ("end", "resume"):
            self.ended = data.get("status")
