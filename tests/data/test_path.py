from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from kpipe.data.image_folder import ImageFolder
from kpipe.data.npz import Npz
from kpipe.data.path import ELSEWHERE
from kpipe.data.source import Source
from kpipe.data.table import Table
from kpipe.data.tfds import Tfds
from kpipe.errors import DataError
from kpipe.spec.mistake import Problem


def problem(error: pytest.ExceptionInfo[ValidationError]) -> tuple[tuple[object, ...], Problem]:
    (found,) = error.value.errors()
    return found["loc"], found["ctx"]["problems"][0]


def test_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.npz").touch()
    monkeypatch.chdir(tmp_path)
    assert Npz.model_validate({"path": "data/../data/x.npz"}).path == str(tmp_path / "data" / "x.npz")


def test_a_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "mnist.npz").touch()
    with pytest.raises(ValidationError) as error:
        Npz.model_validate({"path": str(tmp_path / "minst.npz")})
    place, found = problem(error)
    assert place == ("path",)
    assert found.message == f"no file `{tmp_path / 'minst.npz'}`"
    assert found.hint.endswith("has no `minst.npz`, did you mean `mnist.npz`?")


def test_a_missing_folder_on_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(ValidationError) as error:
        Npz.model_validate({"path": str(tmp_path / "dat" / "deep" / "x.npz")})
    assert problem(error)[1].hint == f"{tmp_path} has no `dat`, did you mean `data`?"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValidationError) as error:
        Npz.model_validate({"path": str(tmp_path)})
    assert problem(error)[1].message == f"`{tmp_path}` is a folder, expected a file"


def test_data_may_be_elsewhere_when_only_the_model_is_rebuilt() -> None:
    assert Npz.model_validate({"path": "/nowhere/x.npz"}, context=ELSEWHERE).path == "/nowhere/x.npz"


@pytest.mark.parametrize(
    ("source", "fields"),
    [(Npz, {}), (Table, {"target": "y"}), (ImageFolder, {}), (Tfds, {"name": "mnist"})],
)
def test_loading_data_that_is_elsewhere_says_so(source: type[Source], fields: dict[str, Any], tmp_path: Path) -> None:
    key = "data_dir" if source is Tfds else "path"
    place = tmp_path / "gone.csv"
    made = source.model_validate({key: str(place), **fields}, context=ELSEWHERE)
    with pytest.raises(DataError, match=r"gone\.csv"):
        made.load(0)
