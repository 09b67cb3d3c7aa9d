from __future__ import annotations

from pathlib import Path

import pytest

from kpipe.errors import WrongInput
from kpipe.pipeline import Pipeline
from kpipe.spec.check import checked
from kpipe.spec.document import read
from kpipe.spec.one_of import components
from kpipe.starter import templates, write

NEEDS = {
    "image_folder": "photos/", "table": "data.csv", "npz": "data.npz", "text_table": "reviews.csv",
    "conll": "sentences.conllu", "text": "book.txt", "time_series": "load.csv",
}  # fmt: skip


def test_there_is_one_for_each_source() -> None:
    assert set(templates()) == {"digits", *components("kpipe.data")} - {"sklearn"}
    for description in templates().values():
        assert description.endswith(".")


@pytest.mark.parametrize("template", templates())
def test_what_it_writes_is_right_once_the_data_is_there(
    template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    needed = NEEDS.get(template, "")
    if needed.endswith("/"):
        Path(needed).mkdir()
    elif needed:
        Path(needed).touch()
    write(template, Path("p.yaml"))
    pipeline = checked(Pipeline, read("p.yaml"))
    assert pipeline.data.type == ("sklearn" if template == "digits" else template)
    assert max(map(len, Path("p.yaml").read_text(encoding="utf-8").splitlines())) <= 120


def test_the_first_line_leads_to_the_schema(tmp_path: Path) -> None:
    write("digits", tmp_path / "alone.yaml")
    (tmp_path / "kpipe.schema.json").touch()
    (tmp_path / "pipelines" / "mine").mkdir(parents=True)
    write("digits", tmp_path / "pipelines" / "mine" / "p.yaml")
    assert (tmp_path / "alone.yaml").read_text().startswith("# yaml-language-server: $schema=kpipe.schema.json\n")
    first = (tmp_path / "pipelines" / "mine" / "p.yaml").read_text().split("\n")[0]
    assert first == "# yaml-language-server: $schema=../../kpipe.schema.json"


def test_it_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("mine")
    with pytest.raises(WrongInput, match="exists already"):
        write("digits", path)
    assert path.read_text() == "mine"


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match="cannot be written: no such file or directory"):
        write("digits", tmp_path / "nowhere" / "p.yaml")
    with pytest.raises(WrongInput, match="no template `digit`") as raised:
        write("digit", tmp_path / "p.yaml")
    assert "did you mean `digits`?" in raised.value.hint
