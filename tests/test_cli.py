"""The commands as a person types them: exit codes, help, plain text, what goes to which stream."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

DIGITS = """\
name: small
data: {type: sklearn, dataset: digits, batch_size: 256}
model: {type: cnn, filters: [4]}
train: {type: fit, epochs: 1}
"""
COMMANDS = ("check", "show", "run", "export", "parity", "predict", "evaluate", "list", "init", "schema", "sync", "ui")


def kpipe(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from kpipe.cli import main; main()", *words]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=300
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "digits.yaml").write_text(DIGITS)
    return tmp_path


@pytest.mark.parametrize("command", [*COMMANDS, "compare", "diff"])
def test_help_fits_a_screen_and_has_an_example(command: str, tmp_path: Path) -> None:
    done = kpipe(command, "--help", cwd=tmp_path, COLUMNS="80")
    assert done.returncode == 0
    assert f"Example: kpipe {command}" in done.stdout
    assert len(done.stdout.strip().splitlines()) <= 24


def test_help_names_every_command(tmp_path: Path) -> None:
    done = kpipe("--help", cwd=tmp_path)
    assert all(re.search(rf"^│ {command} ", done.stdout, re.MULTILINE) for command in [*COMMANDS, "compare", "diff"])


def test_check_says_ok(folder: Path) -> None:
    done = kpipe("check", "digits.yaml", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "digits.yaml  ok  small: sklearn -> cnn\n"


def test_check_counts_the_mistakes_of_all_files(folder: Path) -> None:
    (folder / "wrong.yaml").write_text(DIGITS.replace("epochs", "epoch").replace("[4]", "[0]"))
    done = kpipe("check", "digits.yaml", "wrong.yaml", "absent.yaml", cwd=folder)
    assert done.returncode == 2
    assert "digits.yaml  ok" in done.stdout
    assert "wrong.yaml:3:30  error  model.filters.0" in done.stderr
    assert "did you mean `epochs`?" in done.stderr
    assert "absent.yaml" in done.stderr
    assert done.stderr.endswith("3 mistakes in 2 files\n")


def test_check_is_plain_text_when_not_a_terminal(folder: Path) -> None:
    (folder / "wrong.yaml").write_text(DIGITS.replace("epochs", "epoch"))
    done = kpipe("check", "wrong.yaml", cwd=folder, FORCE_COLOR="")
    assert "\x1b" not in done.stdout + done.stderr


def test_a_mistake_in_set_says_so(folder: Path) -> None:
    done = kpipe("run", "digits.yaml", "--set", "model.filtres=[8]", cwd=folder)
    assert done.returncode == 2
    assert "--set model.filtres" in done.stderr
    assert "did you mean `filters`?" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "mlruns").exists()


def test_an_unknown_backend_is_wrong_input(folder: Path) -> None:
    done = kpipe("run", "digits.yaml", "--backend", "theano", cwd=folder)
    assert done.returncode == 2
    assert "--backend: no backend `theano`" in done.stderr
    assert "tensorflow, jax, torch" in done.stderr


def test_run_needs_a_file_or_a_run(tmp_path: Path) -> None:
    done = kpipe("run", cwd=tmp_path)
    assert done.returncode == 2
    assert "--resume RUN" in done.stderr


@pytest.mark.parametrize("words", [("predict", "last", "x.png"), ("evaluate", "last"), ("run", "--resume", "last")])
def test_a_run_that_is_not_there(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"")
    done = kpipe(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert "no runs in mlruns/runs" in done.stderr


def test_predictions_are_not_written_over_their_input(tmp_path: Path) -> None:
    (tmp_path / "irises.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    done = kpipe("predict", "last", "irises.csv", "--output", "../" + tmp_path.name + "/irises.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "that is the input, which would be lost" in done.stderr
    assert (tmp_path / "irises.csv").read_text(encoding="utf-8") == "a,b\n1,2\n"


def test_init_writes_a_pipeline_that_checks(tmp_path: Path) -> None:
    assert kpipe("init", "my.yaml", cwd=tmp_path).returncode == 0
    assert kpipe("check", "my.yaml", cwd=tmp_path).returncode == 0
    again = kpipe("init", "my.yaml", cwd=tmp_path)
    assert again.returncode == 2
    assert "my.yaml" in again.stderr


def test_list_shows_components_with_a_line_each(tmp_path: Path) -> None:
    done = kpipe("list", "models", cwd=tmp_path)
    assert done.returncode == 0
    assert re.search(r"^ *cnn +\w+", done.stdout, re.MULTILINE)
    wrong = kpipe("list", "model", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "models" in wrong.stderr


def test_the_printed_schema_is_a_schema_and_the_committed_one(tmp_path: Path) -> None:
    done = kpipe("schema", cwd=tmp_path)
    schema = json.loads(done.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    committed = Path(__file__).parents[1] / "kpipe.schema.json"
    assert json.loads(committed.read_text(encoding="utf-8")) == schema, "run `make schema`"


def test_debug_shows_the_traceback(folder: Path) -> None:
    done = kpipe("run", "digits.yaml", "--backend", "theano", "--debug", cwd=folder)
    assert "Traceback" in done.stderr


def test_a_tracking_server_that_is_not_there_is_said_at_once_and_leaves_nothing(folder: Path) -> None:
    done = kpipe("run", "digits.yaml", cwd=folder, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "http://127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((folder / "mlruns" / "runs").iterdir()) == []


def test_mlruns_that_is_a_file_is_wrong_input(folder: Path) -> None:
    (folder / "mlruns").write_text("")
    done = kpipe("run", "digits.yaml", cwd=folder)
    assert done.returncode == 2
    assert "mlruns/runs: cannot be made: Not a directory" in done.stderr


def test_output_that_nobody_reads_stops_nothing(folder: Path) -> None:
    command = f"{sys.executable} -c 'from kpipe.cli import main; main()' list | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_diff_ends_like_diff(folder: Path) -> None:
    (folder / "other.yaml").write_text(DIGITS.replace("epochs: 1", "epochs: 2"))
    same = kpipe("diff", "digits.yaml", "digits.yaml", cwd=folder)
    assert (same.returncode, same.stdout, same.stderr) == (0, "", "")
    different = kpipe("diff", "digits.yaml", "other.yaml", cwd=folder)
    assert (different.returncode, different.stderr) == (1, "")
    assert re.search(r"^train.epochs +1 +2 *$", different.stdout, re.MULTILINE)
    for trouble in ("nobody", "absent.yaml"):
        done = kpipe("diff", "digits.yaml", trouble, cwd=folder)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert trouble in done.stderr


def test_seeds_go_with_a_file_alone(folder: Path) -> None:
    done = kpipe("run", "--resume", "last", "--seeds", "3", cwd=folder)
    assert done.returncode == 2
    assert "neither --set nor --seeds goes with --resume" in " ".join(re.sub(r"[│\n]", " ", done.stderr).split())
