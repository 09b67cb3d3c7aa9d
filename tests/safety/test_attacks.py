"""Attacks that work where nobody has thought of them, each in its shortest form."""

from __future__ import annotations

import ast
import gzip
import io
import json
import os
import resource
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from PIL import Image

from kpipe import finding, groups, runs
from kpipe.data.preparation import pictures
from kpipe.data.source import Source
from kpipe.errors import DataError, KpipeError, SpecError, TrackingError, WrongInput
from kpipe.pipeline import Pipeline
from kpipe.search.ray_cluster import unpack
from kpipe.spec.check import checked
from kpipe.spec.document import document_of, read
from kpipe.spec.one_of import components
from kpipe.tokenization.special import SPECIAL
from kpipe.tokenization.subwords import Subwords
from kpipe.tokenization.vocabulary import Vocabulary
from kpipe.tokenization.words import Words
from kpipe.tracking import sender, store
from kpipe.tracking.journal import Journal
from kpipe.tracking.tracking import sync
from kpipe.training.loop import checkpoint

KPIPE = Path(runs.__file__).parent


class TooLong(BaseException):
    pass


@contextmanager
def within(seconds: float = 120, megabytes: int = 500) -> Iterator[None]:
    """What waits for ever, or takes the memory of the machine, fails the test."""

    def stop(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forgets the most that was held before
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most < megabytes * 1024


def source(path: Path, **fields: Any) -> Source:
    found = components("kpipe.data")[fields["type"]].model_validate({**fields, "path": str(path)})
    assert isinstance(found, Source)
    return found


def packed_array(path: Path, size: int) -> None:
    """An .npz file of so many zeros."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (20, size // 20)})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("y.npy", saved(np.arange(20) % 2))
        with archive.open("x.npy", "w", force_zip64=True) as part:
            part.write(header.getvalue())
            for _ in range(size // 10**6):
                part.write(bytes(10**6))


def saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


# ---- a few bytes that become many


def test_an_archive_of_arrays_that_fills_the_memory(tmp_path: Path) -> None:
    packed_array(tmp_path / "d.npz", 600 * 10**6)
    with within(megabytes=100), pytest.raises(DataError, match="over 100 times as many") as error:
        source(tmp_path / "d.npz", type="npz").load(0)
    assert "save it without compression" in error.value.hint


@pytest.mark.parametrize("name", ["d.csv.gz", "d.tsv.gz", "d.jsonl.gz", "d.txt.gz"])
def test_a_compressed_file_that_fills_the_memory(tmp_path: Path, name: str) -> None:
    with gzip.open(tmp_path / name, "wb") as file:
        file.write(b"text,kind\n")
        for _ in range(120):
            file.write(b"a,b\n" * 250_000)
    kinds: dict[str, dict[str, Any]] = {
        "d.csv.gz": {"type": "table", "target": "kind"},
        "d.tsv.gz": {"type": "text_table", "target": "kind"},
        "d.jsonl.gz": {"type": "text_table", "target": "kind"},
        "d.txt.gz": {"type": "text"},
    }
    with within(megabytes=900), pytest.raises(DataError, match=f"{name}: .* over 100 times as many"):
        source(tmp_path / name, **kinds[name]).load(0)


@pytest.mark.parametrize("kind", ["table", "text_table", "time_series"])
def test_a_parquet_file_that_repeats_a_word_without_end(tmp_path: Path, kind: str) -> None:
    rows = pa.repeat(pa.scalar("a"), 20_000_000)
    parquet.write_table(pa.table({"text": rows, "kind": rows}), tmp_path / "d.parquet")
    fields = {"time": "text"} if kind == "time_series" else {"target": "kind"}
    with within(megabytes=100), pytest.raises(DataError, match=r"over (100|1,000) times as many"):
        source(tmp_path / "d.parquet", type=kind, **fields).load(0)


@pytest.mark.parametrize("shape", [(10**15,), (2**62, 4), (-1,)])
def test_an_array_that_says_it_is_huge(tmp_path: Path, shape: tuple[int, ...]) -> None:
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    raw = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64)
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive:
        archive.writestr("x.npy", raw)
    with within(), pytest.raises(DataError, match="no readable NumPy file"):
        source(tmp_path / "d.npz", type="npz").load(0)


IN_A_PROCESS = """
import resource, sys
from pathlib import Path
from kpipe.data.preparation import pictures
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(pictures.try_to_decode(Path(sys.argv[1]), None, 3).shape)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_checkpoint_that_fills_the_memory(tmp_path: Path) -> None:
    record = np.frombuffer(json.dumps({"arrays": ["a"], "record": {}}).encode(), np.uint8)
    np.savez_compressed(tmp_path / "stage-0-000001.npz", record=record, a=np.zeros(10**7, np.uint8))
    with pytest.raises(zipfile.BadZipFile, match="compressed, which kpipe does not write"):
        checkpoint.read(tmp_path / "stage-0-000001.npz")


@pytest.mark.parametrize("state", ["", "{}", "[" * 5000, '{"version": "1.0", "model": {"type": "BPE"}}'])
def test_a_vocabulary_whose_state_is_no_tokenizer(state: str) -> None:
    vocabulary = Vocabulary(tokenizer=Subwords(), tokens=SPECIAL, state=state)
    with pytest.raises(DataError, match="state is no tokenizer"):
        vocabulary.encode("text")


def test_a_tokenizer_that_knows_more_than_its_vocabulary() -> None:
    learned = Vocabulary.learn(Subwords(vocabulary_size=300), ["some text"] * 9)
    with pytest.raises(DataError, match="its vocabulary of 10 has not"):
        learned.model_copy(update={"tokens": learned.tokens[:10]}).encode("some text")


def test_a_large_transparent_picture(tmp_path: Path) -> None:
    Image.new("RGBA", (7900, 8000), (1, 2, 3, 4)).save(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size < 300_000
    command = [sys.executable, "-c", IN_A_PROCESS, str(tmp_path / "a.png")]
    shape, kilobytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert shape == "(8000, 7900, 3)"
    assert int(kilobytes) < 900_000


def test_a_letter_with_a_million_accents() -> None:
    with within(60):
        assert len(Words().split("e" + "\u0345\u0316" * 500_000)) == 1
    assert Words().split("Cafe\u0301") == ["café"]


# ---- files that are none


def test_a_pipe_among_pictures(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with within(60):
        found = pictures.try_to_decode(tmp_path / "a.png", None, 3)
    assert isinstance(found, pictures.Unreadable)
    assert found.why == "is a pipe or a device, no file"


def test_a_pipe_that_a_pipeline_extends(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "base.yaml")
    (tmp_path / "p.yaml").write_text("extends: base.yaml\n", encoding="utf-8")
    with within(60), pytest.raises(SpecError, match="a pipe or a device, not a file"):
        checked(Pipeline, read(tmp_path / "p.yaml"))


def test_a_file_whose_name_is_no_text(tmp_path: Path) -> None:
    for place in range(8):
        (tmp_path / "ab"[place % 2]).mkdir(exist_ok=True)
        Image.new("RGB", (2, 2)).save(tmp_path / "ab"[place % 2] / f"{place}.png")
    with open(os.fsencode(tmp_path / "a") + b"/\xff.png", "wb") as file:  # noqa: PTH123
        file.write(b"no image")
    with pytest.raises(DataError, match=r"\\xff\.png: its name is no UTF-8"):
        source(tmp_path, type="image_folder", on_error="skip").load(0)


def test_half_a_sign_in_json(tmp_path: Path) -> None:
    lines = [f'{{"text": "a \\ud800 {place}", "kind": "{"ab"[place % 2]}"}}\n' for place in range(20)]
    (tmp_path / "d.jsonl").write_text("".join(lines), encoding="utf-8")
    with pytest.raises(DataError, match="half of a surrogate pair"):
        source(tmp_path / "d.jsonl", type="text_table", target="kind").load(0)


# ---- data that is code


class Evil:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (os.environ["KPIPE_EVIL"],)


@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is there as soon as foreign code has run."""
    monkeypatch.setenv("KPIPE_EVIL", str(tmp_path / "evil"))
    return tmp_path / "evil"


def test_a_pickle_among_arrays(tmp_path: Path, evil: Path) -> None:
    np.savez(tmp_path / "d.npz", x=np.array([Evil()] * 20, dtype=object), y=np.arange(20) % 2)
    with pytest.raises(DataError, match="never unpickles"):
        source(tmp_path / "d.npz", type="npz").load(0)
    assert not evil.exists()


def test_a_data_set_that_names_a_class_to_be_imported(
    tmp_path: Path, evil: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "attacker.py").write_text("import os\nos.mkdir(os.environ['KPIPE_EVIL'])\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "mnist" / "3.0.1"
    folder.mkdir(parents=True)
    info = {"name": "mnist", "version": "3.0.1", "fileFormat": "tfrecord", "splits": []}
    (folder / "dataset_info.json").write_text(json.dumps(info), encoding="utf-8")
    inner = {"pythonClassName": "attacker.Image"}
    whole = {
        "pythonClassName": "tensorflow_datasets.core.features.features_dict.FeaturesDict",
        "featuresDict": {"features": {"image": inner}},
    }
    (folder / "features.json").write_text(json.dumps(whole), encoding="utf-8")
    found = components("kpipe.data")["tfds"].model_validate({"name": "mnist", "data_dir": str(tmp_path)})
    assert isinstance(found, Source)
    with pytest.raises(DataError, match=r"the class `attacker\.Image`, which is none of TensorFlow Datasets"):
        found.load(0)
    assert not evil.exists()


@pytest.mark.parametrize(
    "optimizer",
    [
        {"Lambda": {"function": "os.system"}},
        {"AdamW": {"learning_rate": {"module": "os", "class_name": "system", "config": {"command": "id"}}}},
        {"AdamW": {"learning_rate": {"module": "builtins", "class_name": "exec", "config": {}}}},
        {"AdamW": {"learning_rate": {"class_name": "__lambda__", "config": {"value": "x"}}}},
        {"os.system": {"command": "id"}},
        "keras.src.optimizers.AdamW",
        "__class__",
    ],
)
def test_what_is_no_keras_object_by_name(optimizer: Any) -> None:
    data = {"name": "x", "data": {"type": "sklearn", "dataset": "digits"}, "model": {"type": "cnn"}}
    with pytest.raises(SpecError):
        checked(Pipeline, document_of({**data, "train": {"type": "fit", "optimizer": optimizer}}))


def test_the_source_opens_no_such_door() -> None:
    """No call that unpickles, evaluates or unpacks what it is given without looking."""
    for file in KPIPE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                assert not names & {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}, file
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            assert called not in ("eval", "exec", "compile", "os.system", "os.popen", "yaml.load", "pd.read_pickle"), (
                file
            )
            assert not called.endswith(("enable_unsafe_deserialization", "model_from_json")), file
            assert not called.endswith("load_model") or given.get("safe_mode") == "True", file
            assert given.get("shell") != "True", file
            assert called != "np.load" or given.get("allow_pickle") == "False", file
            assert not called.endswith(("extractall", ".extract")) or given.get("filter") == "'data'", file
            assert "Markup" not in called, file


# ---- names that lead elsewhere


def test_an_archive_that_writes_outside(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../outside"), io.BytesIO(b""))
    with pytest.raises(tarfile.FilterError):
        unpack(packed.getvalue(), tmp_path / "inside")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("name", ["../x", "..", "/etc", "last/../../x", "last/7/../../..", ".", "\x00", "a" * 5000])
def test_a_runs_name_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    (tmp_path / "x").mkdir()
    run = runs.create(tmp_path / "mlruns", "digits", "cnn")
    (tmp_path / "x" / "run.json").write_bytes((run.folder / "run.json").read_bytes())
    with pytest.raises(KpipeError):
        finding.find(tmp_path / "mlruns", name)


@pytest.mark.parametrize(
    "name", ["journal.jsonl", "run.lock", "tracking.log", "checkpoints/x", "artifacts/pictures/a.png"]
)
def test_a_link_in_a_run_writes_nothing_elsewhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "profile").write_text("mine", encoding="utf-8")
    run = runs.create(tmp_path / "mlruns", "digits", "cnn")
    run.free()
    (run.folder / name).parent.mkdir(exist_ok=True)
    (run.folder / name).unlink(missing_ok=True)
    (run.folder / name).symlink_to(tmp_path / "profile")
    for action in (run.hold, lambda: sync(run.root)):
        with pytest.raises(WrongInput, match="leads out of the folder"):
            action()
    assert (tmp_path / "profile").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["group.json", "group.lock"])
def test_a_link_in_a_group_writes_nothing_elsewhere(tmp_path: Path, name: str) -> None:
    group = groups.create(tmp_path / "mlruns", "digits", 0, 3)
    group.free()
    (group.folder / name).unlink()
    (group.folder / name).symlink_to(tmp_path / "profile")
    with pytest.raises(WrongInput, match="leads out of the folder"):
        group.hold()
    assert not (tmp_path / "profile").exists()


def test_what_a_journal_names_is_sent_from_the_runs_folder_alone(
    tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / "mlflow.db").write_bytes(empty_database.read_bytes())
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    run = runs.create(tmp_path / "mlruns", "digits", "cnn")
    run.update(tracking_uri="local")
    (run.artifacts / "link.txt").symlink_to(tmp_path / "secret")
    (run.artifacts / "fine.txt").write_text("fine", encoding="utf-8")
    (run.folder / "stolen").symlink_to(tmp_path)
    writer = Journal(run.journal)
    for file in (tmp_path / "secret", run.artifacts / "link.txt", run.artifacts / "fine.txt"):
        writer.artifact(file)
    writer.model(tmp_path)
    writer.model(run.folder / "stolen")
    with run.journal.open("a", encoding="utf-8") as file:
        file.write('{"event": "_init__", "time": 1, "run": null}\n{"event": "flush", "time": 1}\n')
    writer.end("FINISHED")
    sending = sender.Sender(run)
    sending.open()
    assert sending.send() is None
    sent = [found.path for found in sending.client.list_artifacts(sending.sent.run_id)]
    assert sent == ["fine.txt"]
    assert sending.sent.model_id is None


def test_a_token_is_not_told_to_whatever_server_a_run_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    with pytest.raises(TrackingError, match=r"would be told MLFLOW_TRACKING_TOKEN"):
        store.resolve("http://attacker.example", tmp_path)
    assert store.resolve("local", tmp_path) == store.local_uri(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://own.example")
    assert store.resolve("http://own.example", tmp_path) == "http://own.example"


# ---- what is shown


def test_a_name_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    from kpipe.terminal import errors, output, print_error

    evil = "\x1b[2J\x1b]0;title\x07 \u202e[red]x[/red] \udcff"
    print_error(DataError(f"class `{evil}`", evil))
    output.print(evil)
    errors.print(f"warning  {evil}")
    captured = capsys.readouterr()
    for shown in captured:
        assert "[red]x[/red]" in shown
        assert all(line.isprintable() for line in shown.splitlines())


def test_one_damaged_record_hides_no_other_run(tmp_path: Path) -> None:
    whole, damaged = runs.create(tmp_path, "digits", "cnn"), runs.create(tmp_path, "digits", "cnn")
    record = json.loads((damaged.folder / "run.json").read_bytes())
    (damaged.folder / "run.json").write_text(json.dumps({**record, "start": "2024-01-01T00:00:00"}), encoding="utf-8")
    assert [run.name for run in runs.runs(tmp_path)] == [whole.name]


def test_a_text_in_parquet_that_is_none(tmp_path: Path) -> None:
    rows = pa.array([b"\xff\xfe" + bytes([65 + place]) for place in range(20)]).view(pa.string())
    parquet.write_table(pa.table({"text": rows, "kind": ["a", "b"] * 10}), tmp_path / "d.parquet")
    for kind in ("text_table", "table"):
        with pytest.raises(DataError, match="no Parquet file, or not a whole one"):
            source(tmp_path / "d.parquet", type=kind, target="kind").load(0)
