"""Scripts that read files have the very examples that kpipe has, or are refused."""

from __future__ import annotations

import ast
import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpipe.data.preparation import prepared
from kpipe.data.preparation.ragged import Ragged
from kpipe.data.splits import RaggedSplit
from kpipe.eject.data import table
from kpipe.eject.data.preparation import rows
from kpipe.eject.data.preparation.text_files import raw
from kpipe.eject.section import Section
from kpipe.eject.story import eject
from kpipe.errors import WrongInput
from kpipe.pipeline import Pipeline, load_splits
from kpipe.spec.check import checked
from kpipe.spec.document import document_of

Documents = dict[str, dict[str, Any]]
NAMES = (
    "npz_of_words",
    "npz_of_images",
    "table_of_birds",
    "table_of_values",
    "table_of_several_values",
    "table_of_labels",
    "folder_of_pictures",
    "reviews",
    "sentences",
    "translations",
    "book",
    "book_of_words",
    "series",
    "spellings",
    "captions",
    "weighed",
)


def script_of(document: dict[str, Any]) -> str:
    return eject(checked(Pipeline, document_of(document)), Path("pipeline.yaml"), "script.py")


@pytest.mark.parametrize("name", NAMES)
def test_a_script_has_the_examples_of_each_split(
    backend: str, from_files: Documents, name: str, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(script_of(from_files[name]), encoding="utf-8")
    found: dict[str, Any] = {}
    exec(script.read_text(encoding="utf-8").partition("# ---- Network")[0], found)
    splits = load_splits(checked(Pipeline, document_of(from_files[name])))
    assert set(from_files) >= set(NAMES)
    for part, split in splits:
        columns = split.columns if isinstance(split, RaggedSplit) else split.take(np.arange(len(split)))
        for here, there in ((f"x_{part}", splits.signature.input.name), (f"y_{part}", "target")):
            assert len(found[here]) == len(columns[there])
            for one, row in zip(found[here], rows_of(columns[there]), strict=True):
                np.testing.assert_allclose(one, row, rtol=1e-6)
    options = ["--isolated", "--line-length", "120", str(script)]
    for command in (["format", "--check"], ["check", "--select", "E,F,I,W,B,UP,SIM"]):
        done = subprocess.run([sys.executable, "-m", "ruff", *command, *options], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def rows_of(column: Any) -> list[np.ndarray]:
    return [column.at(row) if isinstance(column, Ragged) else column[row] for row in range(len(column))]


def test_splits_that_are_all_given_are_taken_as_they_are(backend: str, from_files: Documents, tmp_path: Path) -> None:
    birds = pd.read_csv(from_files["table_of_birds"]["data"]["path"])
    birds["part"] = np.array(["learn", "check", "test"])[np.minimum(np.arange(80) % 5, 2)]
    birds.to_csv(tmp_path / "birds.tsv", sep="\t", index=False)
    split = {"column": "part", "names": {"train": "learn", "validation": "check", "test": "test"}}
    data = {**from_files["table_of_birds"]["data"], "path": str(tmp_path / "birds.tsv"), "split": split}
    script = script_of({**from_files["table_of_birds"], "data": data})
    assert 'train = np.flatnonzero(parts == "learn")' in script
    assert "default_rng" not in script


@pytest.mark.parametrize(
    ("name", "change", "named"),
    [
        ("table_of_labels", {"target": ["sunny"]}, "data: a single label"),
        ("npz_of_images", {"split": {"test": 0.01}}, "a test split without an example of each class"),
        ("captions", {}, "data.files: files of several kinds"),
        ("reviews", {"target_task": "values"}, "data: texts with the task values"),
    ],
)
def test_what_cannot_be_written_is_named(
    backend: str, from_files: Documents, name: str, change: dict[str, Any], named: str, tmp_path: Path
) -> None:
    document = {**from_files[name], "data": {**from_files[name]["data"], **change}}
    if name == "captions":  # one split is not packed, the others are
        files = {split: [Path(file) for file in found] for split, found in document["data"]["files"].items()}
        for file in files["test"]:
            (tmp_path / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
        document["data"]["files"] = {
            "train": [str(file) for file in files["train"]],
            "test": [str(tmp_path / file.stem) for file in files["test"]],
        }
    with pytest.raises(WrongInput) as raised:
        script_of(document)
    assert raised.value.message.startswith(named)
    assert raised.value.message.endswith("cannot be ejected yet: no script was written")


@pytest.mark.parametrize(
    ("decode", "named"),
    [
        ({"type": "beam"}, "decode: `beam` of the next token"),
        ({"type": "greedy", "max_length": 30}, "decode.max_length: 30 with learned positions"),
    ],
)
def test_texts_that_no_script_goes_on_with_are_refused(
    backend: str, from_files: Documents, decode: dict[str, Any], named: str
) -> None:
    made = from_files["book_of_words"]
    with pytest.raises(WrongInput, match=f"{named} cannot be ejected yet: no script was written"):
        script_of({**made, "model": {**made["model"], "positions": "learned"}, "decode": decode})


@pytest.mark.parametrize("name", ["folder_of_pictures", "table_of_values"])
def test_data_that_lies_in_a_file_of_the_cache_is_held_in_memory(
    backend: str, from_files: Documents, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(prepared, "HELD_BYTES", 100)
    assert "x_train, y_train" in script_of(from_files[name])
    assert [*tmp_path.rglob("inputs.npy")]
    monkeypatch.setattr(rows, "MOST_BYTES", 100)
    with pytest.raises(WrongInput, match="MB of examples cannot be ejected yet: no script was written"):
        script_of(from_files[name])


@pytest.mark.parametrize(
    ("line", "named"), [("x_train = x_train + 1e-3", "reads otherwise"), ("x_train = table['mass ']", "cannot read")]
)
def test_other_examples_than_kpipes_are_refused(
    backend: str, from_files: Documents, line: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = table.write

    def wrong(*given: Any) -> Section:
        found = write(*given)
        return Section(f"{found.code}\n{line}", found.imports, found.constants)

    monkeypatch.setattr(table, "write", wrong)
    with pytest.raises(WrongInput, match=named):
        script_of(from_files["table_of_birds"])


@pytest.mark.parametrize("pattern", [r"\(\d+\)$", "[012]| #.*", 'a"b', 'a\\"b', "\\\\", "a\nb", "x\\'"])
def test_a_pattern_is_written_as_it_is(pattern: str) -> None:
    assert ast.literal_eval(raw(pattern)) == pattern


def test_columns_with_blanks_around_their_names(backend: str, tmp_path: Path, from_files: Documents) -> None:
    text = Path(from_files["table_of_birds"]["data"]["path"]).read_text(encoding="utf-8")
    (tmp_path / "birds.csv").write_text(text.replace(",", " , ", 2), encoding="utf-8")
    data = {**from_files["table_of_birds"]["data"], "path": str(tmp_path / "birds.csv")}
    assert "table.columns = table.columns.str.strip()" in script_of({**from_files["table_of_birds"], "data": data})


def test_a_column_that_is_always_the_same_is_named(backend: str, tmp_path: Path) -> None:
    rows = "".join(f"{row},7,{'xy'[row % 2]}\n" for row in range(40))
    (tmp_path / "same.csv").write_text(f"a,k,class\n{rows}", encoding="utf-8")
    data = {"type": "table", "path": str(tmp_path / "same.csv"), "target": "class"}
    with pytest.raises(WrongInput, match=r"the same in all of train \(`k`\)"):
        script_of({"name": "same", "data": data, "model": "mlp", "train": "fit"})


HOSTILE = ["\"\"\"'; open('stolen', 'w') #", "a\n\nopen('stolen', 'w')", "{open('stolen', 'w')}", "\\"]


def test_names_in_a_file_are_words_and_never_code(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({name: generator.normal(size=80) for name in HOSTILE[1:]})
    frame[HOSTILE[0]] = [HOSTILE[row % 4] for row in range(80)]
    frame.to_parquet("d.parquet")
    data = {"type": "table", "path": "d.parquet", "target": HOSTILE[0]}
    script = script_of({"name": "hostile", "data": data, "model": "mlp", "train": "fit"})
    exec(script.partition("# ---- Network")[0], {})
    assert repr(HOSTILE[0]) in script
    assert not (tmp_path / "stolen").exists()
