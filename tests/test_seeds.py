"""A group of seeds on each backend: killed, gone on with, compared; and its expectations."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kpipe import groups, runs, seeds
from kpipe.commands.options import load
from kpipe.commands.run import told
from kpipe.compare.differences import differences
from kpipe.compare.page import render
from kpipe.compare.rows import sections
from kpipe.compare.sides import chosen, named
from kpipe.errors import Diverged, Interrupted, RunNotFound, WrongInput
from kpipe.groups import Group
from kpipe.pipeline import Pipeline, effective_yaml
from kpipe.run import Finished
from kpipe.terminal import output

IRIS = """\
name: iris
seed: 5
data: {type: sklearn, dataset: iris, batch_size: 16}
model: {type: mlp, units: [16]}
train: {type: fit, epochs: 5000, optimizer: {Adam: {learning_rate: 0.02}}}
checkpoint: {every_steps: 7}
evaluate: {plots: [confusion_matrix]}
expect: {test.accuracy: {min: 0.5}, test.loss: {min: 50}}
"""


def kpipe(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from kpipe.cli import main; main()", *words]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def shorten(folder: Path, epochs: int) -> None:
    """Lets what was begun with many epochs end after some."""
    for file in (folder / "pipeline.yaml", folder / "resolved.yaml"):
        file.write_text(file.read_text().replace("epochs: 5000", f"epochs: {epochs}"))


def the_group(folder: Path) -> Group:
    (place,) = (folder / "mlruns" / "groups").iterdir()
    found = groups.find(folder / "mlruns", place.name)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def project(backend: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with a group of two seeds, killed by kill -9 in the first and gone on with; what was printed then."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "p.yaml").write_text(IRIS)
    process = kpipe(folder, "run", "p.yaml", "--seeds", "2", "--backend", backend)
    assert process.stdout is not None
    for line in process.stdout:
        if "epoch   30/5000" in line or "epoch    30/5000" in line:
            break
    process.kill()
    process.communicate()
    group = the_group(folder)
    assert list(group.runs) == [5]
    killed = group.runs[5]
    until = time.monotonic() + 60
    while killed.status != "KILLED" and time.monotonic() < until:  # its sender holds it while it marks it
        time.sleep(0.05)
    assert killed.status == "KILLED"
    done = sum("val/loss" in line for line in killed.journal.read_text().splitlines())
    shorten(killed.folder, done + 2)
    shorten(group.folder, 12)
    process = kpipe(folder, "run", "--resume", group.name)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (1, ""), "an expectation is not met"
    assert f"epoch {done + 2}/{done + 2}" in out
    assert f"epoch  1/{done + 2}" not in out, "what was trained before is not trained again"
    return folder, out


def test_a_killed_group_goes_on(project: tuple[Path, str], backend: str) -> None:
    folder, out = project
    group = the_group(folder)
    assert [run.record.status for run in group.runs.values()] == ["FINISHED", "FINISHED"]
    assert {run.record.backend for run in group.runs.values()} == {backend}
    assert "seed 5, 1 of 2" in out
    assert "seed 6, 2 of 2" in out
    assert re.search(r"mean +95 % interval +0\.\d{4} \+/- \d\.\d{4}", out)
    assert f"where   mlruns/groups/{group.name}" in out
    assert (group.folder / "report.html").exists()
    last = group.runs[6]
    assert (last.folder / "pipeline.yaml").read_text().startswith("# --set seed=6\nname: iris")
    with pytest.raises(WrongInput, match="has finished"):
        seeds.resume(group)


def test_each_run_says_which_expectations_were_met(project: tuple[Path, str]) -> None:
    import mlflow

    folder, out = project
    client = mlflow.MlflowClient(f"sqlite:///{folder}/mlruns/mlflow.db")
    assert len(re.findall(r"expect  test.accuracy [\d.]+, expected at least 0.5: met", out)) == 2
    for seed, run in the_group(folder).runs.items():
        tags = client.get_run(run.record.mlflow_run_id).data.tags
        assert tags["expected"].startswith("1 of 2 not met: test.loss ")
        assert tags["group"] == the_group(folder).name
        assert f"expect  seed {seed}: 1 of 2 not met: test.loss" in out
        kept = json.loads((run.artifacts / "metrics.json").read_text())["expected"]
        assert kept == {"test.accuracy": True, "test.loss": False}
        assert "expected at least 50: NOT met" in (run.artifacts / "report.html").read_text()


def test_a_run_that_went_on_alone_names_the_seeds_left(
    project: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    group = the_group(shutil.copytree(project[0], tmp_path / "copy"))
    kept, lost = group.runs.values()
    finished = Finished(kept, {"accuracy": 1.0}, 1, 1, "", (), "")
    assert told(finished, output)
    assert "group " not in capsys.readouterr().out
    shutil.rmtree(lost.folder)
    assert told(finished, output)
    assert (
        f"1 of the 2 seeds of group {group.name} are left: kpipe run --resume {group.name}" in capsys.readouterr().out
    )


def test_only_what_has_not_finished_is_trained(project: tuple[Path, str], tmp_path: Path) -> None:
    folder = shutil.copytree(project[0], tmp_path / "copy")
    group = the_group(folder)
    kept, lost = group.runs.values()
    before = kept.journal.read_bytes()
    shutil.rmtree(lost.folder)
    said: list[str] = []
    done = seeds.resume(group, say=said.append)
    assert "\nseed 5, 1 of 2" not in said
    assert "\nseed 6, 2 of 2" in said
    assert kept.journal.read_bytes() == before
    new = group.runs[6]
    assert new.name != lost.name
    assert told(done, output) is False, "the run that was kept missed an expectation too"
    old = json.loads((project[0] / f"mlruns/runs/{lost.name}/artifacts/metrics.json").read_text())["metrics"]
    assert json.loads((new.artifacts / "metrics.json").read_text())["metrics"] == pytest.approx(old, rel=1e-5)


def test_real_runs_are_compared(project: tuple[Path, str], backend: str) -> None:
    folder, _ = project
    root, group = folder / "mlruns", the_group(folder)
    sides = chosen(root, [group.name, group.runs[6].name])
    found = {section.title: section for section in sections(sides)}
    assert found["data"].note == "the same for the seeds that all have"
    assert found["environment"].note == "the same"
    assert [row.name for row in found["pipeline"].rows] == ["train.epochs"], "which this test has shortened"
    assert "+/-" in next(row.cells[0] for row in found["test"].rows if row.name == "accuracy")
    assert "learning rate" in (html := render(sides))
    assert html.count("data:image/png;base64,") >= 3
    facts = sides[1].runs[0].environment
    assert (facts["backend"], facts["device"]) == (backend, "cpu")
    assert {"keras", "python", "machine", "package numpy"} <= set(facts)
    (curve,) = {tuple(epoch for epoch, _ in points) for points in sides[1].runs[0].curves.values()}
    assert curve == tuple(map(float, range(1, 13)))
    written = [named(root, name)[1] for name in (group.runs[6].name, str(folder / "p.yaml"))]
    assert [one.path for one in differences(written)] == ["seed", "train.epochs"]


def test_mlflow_finds_runs_by_its_own_filters(project: tuple[Path, str]) -> None:
    root, group = project[0] / "mlruns", the_group(project[0])
    assert [side.name for side in chosen(root, (), None, 'metrics."test/accuracy" > 0.01')] == [group.name]
    with pytest.raises(RunNotFound, match="none of the runs"):
        chosen(root, (), None, "tags.backend = 'theano'")
    with pytest.raises(WrongInput, match="--query: Invalid"):
        chosen(root, (), None, "metrics.accuracy >")


def ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, trains: bool = True) -> seeds.GroupDone:
    """A group of two in which every training ends with an error, after it has begun."""

    def one(group: Group, pipeline: Pipeline, seed: int, *others: object) -> None:
        if trains:
            run = runs.create(group.root, "iris", "iris")
            run.update(group=group.name, seed=seed)
            for name in ("pipeline.yaml", "resolved.yaml"):
                (run.folder / name).write_text(effective_yaml(pipeline))
            run.finish("FAILED")
        raise error

    (tmp_path / "p.yaml").write_text(IRIS)
    pipeline, document = load(tmp_path / "p.yaml", None)
    monkeypatch.setattr(seeds, "one", one)
    return seeds.train(pipeline, document.text, 2, root=tmp_path / "mlruns")


def test_a_seed_that_diverges_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = ending(tmp_path, monkeypatch, Diverged("the loss is nan"))
    assert done.failed == {5: "the loss is nan", 6: "the loss is nan"}
    assert told(done, output) is False


def test_stopped_says_how_to_go_on_with_the_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Interrupted) as raised:
        ending(tmp_path, monkeypatch, Interrupted("stopped run a-b-1", "go on with: kpipe run --resume a-b-1"))
    assert raised.value.hint == f"go on with: kpipe run --resume {the_group(tmp_path).name}"


def test_nothing_is_left_of_a_group_that_never_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WrongInput, match="no such"):
        ending(tmp_path, monkeypatch, WrongInput("no such column"), trains=False)
    assert list((tmp_path / "mlruns" / "groups").iterdir()) == []


def test_seeds_end_somewhere(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(IRIS.replace("seed: 5", "seed: 4294967295"))
    pipeline, document = load(tmp_path / "p.yaml", None)
    with pytest.raises(WrongInput, match="seeds end at 4294967295"):
        seeds.train(pipeline, document.text, 2, root=tmp_path / "mlruns")


def test_a_group_is_found_by_the_beginning_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["amber-ox-1", "amber-owl-2"])
    monkeypatch.setattr("kpipe.runs.draw", lambda: next(names))
    for first in (0, 5):
        groups.create(tmp_path, "p", first, 3).free()
    found = groups.find(tmp_path, "amber-ox")
    assert found is not None
    assert list(found.plan.seeds) == [0, 1, 2]
    assert groups.find(tmp_path, "last") is None
    assert groups.find(tmp_path, "brisk") is None
    with pytest.raises(RunNotFound, match="the beginning of 2"):
        groups.find(tmp_path, "amber")
    (found.folder / "group.json").write_text("{")
    with pytest.raises(RunNotFound, match="not the record of a group"):
        groups.find(tmp_path, "amber-ox-1")


def test_two_processes_never_share_a_group(tmp_path: Path) -> None:
    group = groups.create(tmp_path, "p", 0, 2)
    with pytest.raises(WrongInput, match="still running in another process"):
        seeds.resume(Group(group.folder))
    group.free()
