"""The whole story on real digits, on each backend: what a run leaves on disk and in MLflow, and how it stops."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kpipe import finding, runs
from kpipe.backend import installed
from kpipe.commands.options import load
from kpipe.errors import MissingExtra, WrongInput
from kpipe.record import in_words, shares_from, step_of
from kpipe.run import resume, run
from kpipe.runs import Share

PIPELINES = Path(__file__).parents[1] / "pipelines"
SMALL = """\
name: small
data: {type: sklearn, dataset: digits, batch_size: 32}
model: {type: cnn, filters: [16, 32], dropout: 0.1}
train: {type: fit, epochs: EPOCHS, optimizer: {AdamW: {learning_rate: 0.01}}}
"""


def start(folder: Path, *words: str, text: str = SMALL.replace("EPOCHS", "3")) -> subprocess.Popen[str]:
    (folder / "p.yaml").write_text(text)
    command = [sys.executable, "-c", "from kpipe.cli import main; main()", *words]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def project(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a small pipeline was run from the command line."""
    folder = tmp_path_factory.mktemp("project")
    code, out, err = finish(start(folder, "run", "p.yaml"))
    assert (code, err) == (0, "")
    assert "test    accuracy 0.9" in out
    assert "epoch 3/3" in out
    return folder


def test_the_run_folder_holds_everything(project: Path, backend: str) -> None:
    done = finding.find(project / "mlruns", "last")
    assert (done.status, done.record.backend) == ("FINISHED", backend)
    kept = {str(path.relative_to(done.folder)) for path in done.folder.rglob("*") if path.is_file()}
    expected = {"pipeline.yaml", "resolved.yaml", "journal.jsonl", "artifacts/report.html", "artifacts/model.keras"}
    expected |= {"artifacts/metrics.json", "artifacts/environment.txt", "model/model.weights.h5", "model/manifest.json"}
    expected |= {f"artifacts/pictures/{name}.png" for name in ("confusion_matrix", "learning_curves", "grad_cam")}
    assert expected <= kept
    assert (done.folder / "pipeline.yaml").read_text() == (project / "p.yaml").read_text()
    facts = json.loads((done.artifacts / "metrics.json").read_text())
    assert facts["metrics"]["accuracy"] > 0.9
    assert facts["examples"] == {"train": 1257, "validation": 180, "test": 360}


def test_mlflow_holds_the_run(project: Path, backend: str) -> None:
    import mlflow

    done = finding.find(project / "mlruns", "last")
    client = mlflow.MlflowClient(f"sqlite:///{project}/mlruns/mlflow.db")
    found = client.get_run(done.record.mlflow_run_id)
    assert (found.info.status, found.info.run_name) == ("FINISHED", done.name)
    assert found.data.params["model.filters"] == "16, 32"
    assert found.data.tags["backend"] == backend
    assert found.data.metrics["test/accuracy"] > 0.9
    steps = [metric.step for metric in client.get_metric_history(found.info.run_id, "val/loss")]
    assert steps == [40, 80, 120]
    assert {item.path for item in client.list_artifacts(found.info.run_id)} >= {
        "report.html",
        "pictures",
        "pipeline.yaml",
    }
    names = {given.dataset.name for given in found.inputs.dataset_inputs}
    assert names == {f"sklearn digits {split}" for split in ("train", "validation", "test")}


def test_predict_and_evaluate_agree_with_the_run(project: Path) -> None:
    done = finding.find(project / "mlruns", "last")
    told = json.loads((done.artifacts / "metrics.json").read_text())["metrics"]["accuracy"]
    code, out, err = finish(start(project, "evaluate", "last"))
    assert (code, err) == (0, "")
    measured = float(next(line.split()[1] for line in out.splitlines() if line.startswith("accuracy")))
    assert measured == pytest.approx(told, abs=1e-4)

    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.rint(digits.images[:20] * (255 / 16)).astype(np.uint8)
    (project / "images").mkdir(exist_ok=True)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(project / "images" / f"{number:02}.png")
    code, out, err = finish(start(project, "predict", done.name, "images", "--output", "predictions.json"))
    assert (code, err) == (0, "")
    predictions = json.loads((project / "predictions.json").read_text())
    right = [row["label"] == str(digits.target[number]) for number, row in enumerate(predictions)]
    assert len(right) == 20
    assert sum(right) >= 18


def test_a_stopped_run_says_how_to_go_on_and_does(backend: str, tmp_path: Path) -> None:
    process = start(tmp_path, "run", "p.yaml", text=SMALL.replace("EPOCHS", "200"))
    assert process.stdout is not None
    for line in process.stdout:
        if "epoch   2/200" in line:
            break
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    stopped = finding.find(tmp_path / "mlruns", "last")
    assert code == 128 + signal.SIGINT
    assert f"kpipe run --resume {stopped.name}" in err
    assert "error" not in err
    assert stopped.record.status == "KILLED"
    resolved = stopped.folder / "resolved.yaml"
    before = len([line for line in stopped.journal.read_text().splitlines() if "val/loss" in line])
    resolved.write_text(resolved.read_text().replace("epochs: 200", f"epochs: {before + 2}"))
    code, out, err = finish(start(tmp_path, "run", "--resume", stopped.name))
    assert (code, err) == (0, "")
    assert f"epoch {before + 2}/{before + 2}" in out
    assert "has no checkpoint" not in out
    assert f"epoch {before}/{before + 2}" not in out, "epochs done before are not done again"
    assert stopped.record.status == "FINISHED"
    code, _, err = finish(start(tmp_path, "run", "--resume", stopped.name))
    assert (code, "has finished" in err) == (2, True)


def test_sigterm_saves_too(backend: str, tmp_path: Path) -> None:
    process = start(tmp_path, "run", "p.yaml", text=SMALL.replace("EPOCHS", "200"))
    assert process.stdout is not None
    for line in process.stdout:
        if "epoch   1/200" in line:
            break
    process.terminate()
    code, _, err = finish(process)
    assert code == 128 + signal.SIGTERM
    assert "kpipe run --resume" in err


def test_a_run_goes_on_on_another_backend_and_says_which_computed_what(project: Path, backend: str) -> None:
    """Killed by kill -9, with an explicit backend: without, a run goes on where it was."""
    import mlflow

    text = SMALL.replace("EPOCHS", "2000") + "checkpoint: {every_steps: 20}\n"
    process = start(project, "run", "p.yaml", text=text)
    assert process.stdout is not None
    for line in process.stdout:
        if "epoch    2/2000" in line:
            break
    process.kill()
    finish(process)
    killed = finding.find(project / "mlruns", "last")
    other = next((name for name in installed() if name != backend), None)
    if other is None:
        pytest.skip("needs a second backend")
    step = step_of(killed)
    assert step >= 40
    epochs = step // 40 + 1
    resolved = killed.folder / "resolved.yaml"
    resolved.write_text(resolved.read_text().replace("epochs: 2000", f"epochs: {epochs}"))
    code, out, err = finish(start(project, "run", "--resume", killed.name, "--backend", other))
    assert (code, err) == (0, "")
    assert f"so far on {backend}; from step {step} on {other}" in " ".join(out.split())
    assert f"epoch {epochs}/{epochs}" in out
    assert f"epoch {epochs - 1}/{epochs}" not in out
    assert [(share.backend, share.step) for share in killed.record.backends] == [(backend, 0), (other, step)]
    client = mlflow.MlflowClient(f"sqlite:///{project}/mlruns/mlflow.db")
    tags = client.get_run(killed.record.mlflow_run_id).data.tags
    assert tags["backends"] == f"{backend}, {other} from step {step}"
    assert float(out.partition("test    accuracy ")[2].split()[0]) > 0.9


def test_shares_of_what_was_lost_are_dropped(tmp_path: Path) -> None:
    run = runs.create(tmp_path / "mlruns", "experiment", "pipeline")
    run.update(backend="jax", backends=(Share(backend="tensorflow"), Share(backend="jax", step=40)))
    assert in_words(shares_from(run, "jax", 60)) == "tensorflow, jax from step 40"
    assert in_words(shares_from(run, "torch", 60)) == "tensorflow, jax from step 40, torch from step 60"
    assert in_words(shares_from(run, "torch", 40)) == "tensorflow, torch from step 40", "jax saved nothing"
    assert in_words(shares_from(run, "tensorflow", 40)) == "tensorflow"
    assert in_words(shares_from(run, "torch", 0)) == "torch"
    run.free()


def test_a_run_whose_backend_is_gone_says_how_to_go_on_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.create(tmp_path / "mlruns", "experiment", "pipeline")
    run.update(backend="tensorflow", status="KILLED")
    run.free()
    monkeypatch.setattr("kpipe.backend.installed", lambda: ("jax",))
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(
        MissingExtra, match=rf"(?s)run {run.name}: the tensorflow backend .* --resume {run.name} --backend"
    ):
        resume(run.name, root=tmp_path / "mlruns")
    with pytest.raises(WrongInput, match="one that goes on names its backend"):
        resume(run.name, "fastest", root=tmp_path / "mlruns")


def test_a_run_whose_checkpoints_are_gone_says_that_it_begins_anew(backend: str, tmp_path: Path) -> None:
    killed = runs.create(tmp_path / "mlruns", "experiment", "pipeline")
    killed.update(backend=backend, status="KILLED")
    for name in ("pipeline.yaml", "resolved.yaml"):
        (killed.folder / name).write_text(SMALL.replace("EPOCHS", "1"))
    killed.free()
    said: list[str] = []
    resume(killed.name, root=tmp_path / "mlruns", say=said.append)
    assert said[0] == f"run {killed.name} has no checkpoint: it begins anew"


def test_sigterm_before_training_says_so(backend: str, tmp_path: Path) -> None:
    process = start(tmp_path, "run", "p.yaml", text=SMALL.replace("EPOCHS", "200"))
    assert process.stdout is not None
    process.stdout.readline()  # the line that names the run, before the model is built
    process.terminate()
    code, _, err = finish(process)
    assert code == 128 + signal.SIGTERM
    assert "kpipe run --resume" in err
    assert finding.find(tmp_path / "mlruns", "last").record.status == "KILLED"


def test_a_loss_that_explodes_stops_the_run(backend: str, tmp_path: Path) -> None:
    text = SMALL.replace("EPOCHS", "5").replace("{AdamW: {learning_rate: 0.01}}", "{SGD: {learning_rate: 1.0e+30}}")
    text = text.replace("dropout: 0.1", "normalization: none")
    code, _, err = finish(start(tmp_path, "run", "p.yaml", text=text))
    assert code == 1
    assert "epoch 1, step " in err
    assert "1e+30" in err
    assert "Traceback" not in err
    assert finding.find(tmp_path / "mlruns", "last").record.status == "FAILED"


def refused(text: str, folder: Path) -> str:
    """What is said of a pipeline that is wrong input, and leaves nothing behind."""
    (folder / "p.yaml").write_text(text)
    pipeline, document = load(folder / "p.yaml", None)
    with pytest.raises(WrongInput) as caught:
        run(pipeline, document.text, root=folder / "mlruns")
    assert not (folder / "mlruns").exists()
    return str(caught.value)


def test_data_that_does_not_fit_is_refused_before_anything_is_recorded(backend: str, tmp_path: Path) -> None:
    text = SMALL.replace("EPOCHS", "1").replace("filters: [16, 32]", "filters: [8, 8, 8, 8, 8]")
    assert "the pooling of block 4 shrinks the height to nothing" in refused(text, tmp_path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("label_smoothing: 0.1, class_weight: {'11': 2.0}", "no class `11`"),
        ("early_stopping: {monitor: val_acuracy}", "did you mean `val_accuracy`?"),
        ("loss: CategoricalCrossentropy", "SparseCategoricalCrossentropy"),
        ("metrics: [Precision]", "Precision does not fit targets that are class indices"),
    ],
)
def test_training_that_does_not_fit_the_data_is_refused_before_anything_is_recorded(
    backend: str, fields: str, message: str, tmp_path: Path
) -> None:
    assert message in refused(SMALL.replace("epochs: EPOCHS", fields), tmp_path)


@pytest.mark.slow
def test_the_main_pipeline_reads_digits(backend: str, tmp_path: Path) -> None:
    pipeline, document = load(PIPELINES / "cnn_gap.yaml", None)
    began = time.monotonic()
    finished = run(pipeline, document.text, root=tmp_path / "mlruns")
    assert finished.metrics["accuracy"] >= 0.97, f"after {time.monotonic() - began:.0f} s on {os.cpu_count()} cores"


def test_digits_on_scikit_learns_own_scale_are_warned_of(project: Path) -> None:
    from sklearn.datasets import load_digits

    np.save(project / "dark.npy", load_digits().images[:3, ..., None].astype(np.uint8))
    np.save(project / "none.npy", np.zeros((0, 8, 8, 1), np.uint8))
    code, _, err = finish(start(project, "predict", "last", "dark.npy"))
    assert (code, "the brightest pixel is 16 of 255" in err) == (0, True)
    code, _, err = finish(start(project, "predict", "last", "none.npy"))
    assert code == 2
    assert "none.npy" in err


def test_model_keras_needs_no_kpipe(project: Path, backend: str) -> None:
    file = finding.find(project / "mlruns", "last").artifacts / "model.keras"
    script = (
        "import keras, numpy, sys\n"
        f"model = keras.models.load_model({str(file)!r})\n"
        "assert model.predict(numpy.zeros((2, 8, 8, 1), 'uint8'), verbose=0).shape == (2, 10)\n"
        "assert not [name for name in sys.modules if name.startswith('kpipe')]\n"
    )
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
