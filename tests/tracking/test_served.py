"""`mlflow models serve` answers raw inputs over HTTP, as docs/serving.md says."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from kpipe.tracking import ui

ROOT = Path(__file__).parents[2]
START_SECONDS = 120.0


def free_port() -> int:
    with socket.socket() as found:
        found.bind((ui.HOST, 0))
        return int(found.getsockname()[1])


def asked(url: str, body: str | None = None) -> Any:
    request = urllib.request.Request(url, body.encode() if body else None, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read().strip() or "null")


def wait_for(server: subprocess.Popen[bytes], url: str) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            asked(url)
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    pytest.fail("the server did not start")


@pytest.mark.slow
def test_a_run_answers_raw_inputs_over_http(backend: str, tmp_path: Path) -> None:
    activated = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": activated, "PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": ""}
    kpipe = [sys.executable, "-c", "from kpipe.cli import main; main()"]
    words = ["run", str(ROOT / "pipelines" / "mlp_iris.yaml"), "--backend", backend]
    subprocess.run([*kpipe, *words], cwd=tmp_path, env=environment, check=True, capture_output=True)
    (record,) = tmp_path.glob("mlruns/runs/*/run.json")
    run_id = json.loads(record.read_text(encoding="utf-8"))["mlflow_run_id"]
    page = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    uri, name, body = (
        re.search(pattern, page)[1]  # type: ignore[index]
        for pattern in (r"MLFLOW_TRACKING_URI=(\S+)", r"serve -m runs:/RUN_ID/(\S+)", r"json' -d '(.*)'")
    )
    port = free_port()
    words = ["-m", f"runs:/{run_id}/{name}", "--env-manager", "local", "--host", ui.HOST, "--port", str(port)]
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "models", "serve", *words],
            cwd=tmp_path,
            env={**environment, "MLFLOW_TRACKING_URI": uri},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(server, f"http://{ui.HOST}:{port}/ping")
        (answer,) = asked(f"http://{ui.HOST}:{port}/invocations", body)["predictions"]
    finally:
        ui.stop(server)
    probabilities = [answer[f"probability of {iris}"] for iris in ("setosa", "versicolor", "virginica")]
    assert answer["label"] == "setosa"
    assert answer["probability"] == max(probabilities) == probabilities[0] > 0.9
    assert sum(probabilities) == pytest.approx(1.0, abs=1e-6)
