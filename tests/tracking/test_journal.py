from __future__ import annotations

import json
from pathlib import Path

import pytest

from kpipe.tracking import journal
from kpipe.tracking.journal import Journal, flatten


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def kinds(path: Path) -> list[str]:
    return [event.kind for event in journal.read(path)]


def test_params_are_flat_and_short() -> None:
    data = {
        "model": {"filters": [8, 16], "dropout": 0.5, "resize": None, "dense": []},
        "train": [{"optimizer": {"AdamW": {"learning_rate": 0.001}}}],
    }
    assert flatten(data) == {
        "model.filters": "8, 16",
        "model.dropout": "0.5",
        "train.optimizer.AdamW.learning_rate": "0.001",
    }
    assert flatten({"train": [{"type": "fit"}, {"type": "fit"}]}) == {"train.0.type": "fit", "train.1.type": "fit"}


def test_each_event_is_on_disk_at_once_with_its_time(path: Path) -> None:
    writer = Journal(path)
    writer.metrics({"train/loss": 0.5}, 20)
    (event,) = journal.read(path)
    assert (event.kind, event.data["values"], event.data["step"]) == ("metrics", {"train/loss": 0.5}, 20)
    assert event.data["time"] > 1_700_000_000_000
    writer.end("FINISHED")
    assert kinds(path) == ["metrics", "end"]


def test_reading_goes_on_where_it_stopped_and_leaves_a_torn_line(path: Path) -> None:
    writer = Journal(path)
    writer.tags({"a": "ä"})
    (first,) = journal.read(path)
    with path.open("ab") as file:
        file.write(b'{"event": "tags", "ti')
    assert journal.read(path, first.end) == []
    with path.open("ab") as file:
        file.write(b'me": 1, "values": {}}\n')
    assert [event.kind for event in journal.read(path, first.end)] == ["tags"]


def test_a_line_torn_by_a_crash_is_closed_before_the_journal_goes_on(path: Path) -> None:
    Journal(path).tags({"a": "b"})
    with path.open("ab") as file:
        file.write(b'{"event": "metr')
    Journal(path).metrics({"x": 1.0}, 1)
    assert kinds(path) == ["tags", "resume", "metrics"]


def test_a_resumed_run_writes_no_point_twice(path: Path) -> None:
    first = Journal(path)
    first.metrics({"train/loss": 0.5, "val/loss": 0.6}, 20)
    first.metrics({"train/loss": 0.4}, 40)
    again = Journal(path)
    again.metrics({"train/loss": 0.4}, 40)
    again.metrics({"train/loss": 0.3, "val/loss": 0.4}, 60)
    points = [event.data for event in journal.read(path) if event.kind == "metrics"]
    assert [(point["step"], sorted(point["values"])) for point in points] == [
        (20, ["train/loss", "val/loss"]),
        (40, ["train/loss"]),
        (60, ["train/loss", "val/loss"]),
    ]


def test_a_param_that_a_resumed_run_changes_becomes_a_tag(path: Path) -> None:
    Journal(path).params({"train.epochs": "5", "seed": "0"})
    Journal(path).params({"train.epochs": "9", "seed": "0"})
    last = journal.read(path)[-1]
    assert (last.kind, last.data["values"]) == ("tags", {"resumed.train.epochs": "9"})
    assert kinds(path) == ["params", "resume", "tags"]


def test_a_data_set_is_written_once(path: Path) -> None:
    profile = {
        "examples": 3,
        "inputs": {"image": [[8, 8, 1], "uint8"]},
        "target": "classes",
        "targets": [[], "int32"],
        "names": ["0", "1"],
    }
    for _ in range(2):
        Journal(path).dataset("train", "digits", "ab12", "sklearn digits", profile)
    assert kinds(path) == ["dataset", "resume"]


def test_where_there_was_no_number_one_may_follow(path: Path) -> None:
    writer = Journal(path)
    writer.metrics({"objective": float("nan")}, 0)
    writer.metrics({"objective": 0.9}, 0)
    writer.metrics({"objective": 0.8}, 0)
    assert [event.data["values"]["objective"] for event in journal.read(path)][1:] == [0.9]


def test_a_journal_knows_whether_it_has_ended(path: Path) -> None:
    writer = Journal(path)
    assert writer.ended is None
    writer.end("KILLED")
    assert Journal(path, resume=False).ended == "KILLED"
    assert Journal(path).ended is None


def test_a_model_is_registered_once(path: Path) -> None:
    for _ in range(2):
        writer = Journal(path, resume=False)
        writer.register("digits", "champion")
        writer.register("digits", "champion")
    assert kinds(path) == ["register"]


def test_what_json_cannot_say_survives(path: Path) -> None:
    Journal(path).metrics({"train/loss": float("nan"), "val/loss": float("inf")}, 1)
    values = journal.read(path)[0].data["values"]
    assert values["train/loss"] != values["train/loss"]
    assert values["val/loss"] == float("inf")


def test_files_are_named_from_the_run_folder(path: Path) -> None:
    writer = Journal(path)
    writer.artifact(path.parent / "artifacts" / "pictures" / "a.png", "pictures")
    writer.model(path.parent / "model")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line.get("file") or line.get("folder") for line in lines] == ["artifacts/pictures/a.png", "model"]
