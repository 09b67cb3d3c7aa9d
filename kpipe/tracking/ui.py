"""kpipe ui: MLflow's own pages on this project's store."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kpipe.errors import TrackingError, WrongInput
from kpipe.tracking import store, view

HOST = "127.0.0.1"
START_SECONDS = 60.0
WORKFLOW = "workflowType=machine_learning"
"""Without this choice MLflow opens its pages on language models, where runs are hard to find."""
SHOWN = 5
"""Experiments whose address is told."""


def serve(root: Path, port: int = 5000, say: Callable[[str], None] = print, first: Sequence[str] = ()) -> None:
    """Starts the server, says its address and those of the latest experiments when it answers, and stays until Ctrl-C.

    The metrics ``first`` are the first columns of the tables.

    Raises: WrongInput: the port is taken, or the runs are on a server that has its own pages. TrackingError: it died.
    """
    uri = store.resolve(store.chosen(), root)
    if store.is_server(uri):
        raise WrongInput(
            f"the runs are at {store.without_password(uri)}, which has its own pages", "open it in a browser"
        )
    require_free(port)
    for number in (signal.SIGINT, signal.SIGTERM):  # the server must not outlive this process
        signal.signal(number, signal.default_int_handler)
    experiments = view.write(store.connect(uri, root), first)
    log = root / "ui.log"
    with log.open("wb") as output:
        server = subprocess.Popen(  # noqa: S603
            command(uri, root, port),
            env={**os.environ, **store.SETTINGS, **away_from_user(root)},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        if not answers(server, port):
            raise TrackingError(f"the MLflow server did not start: see {log}")
        for line in addresses(port, experiments):
            say(line)
        server.wait()
    except KeyboardInterrupt:
        return
    finally:
        stop(server)


def addresses(port: int, experiments: Mapping[str, str]) -> list[str]:
    """Where to look: at all experiments, and at the table of each of the latest."""
    pages = f"http://{HOST}:{port}/#/experiments"
    shown = list(experiments.items())[:SHOWN]
    width = max([len(name) for name, _ in shown], default=0)
    view_of = f"{WORKFLOW}&viewStateShareKey={view.KEY}"
    return [
        f"{pages}?{WORKFLOW}   (Ctrl-C stops it)",
        *(f"{name:{width}}  {pages}/{key}/runs?{view_of}" for name, key in shown),
    ]


def command(uri: str, root: Path, port: int) -> list[str]:
    """One worker and no job runner: with MLflow's defaults it takes half a minute to start and 2 GB."""
    place = (root.resolve() / "artifacts").as_uri()
    words = ["server", "--backend-store-uri", uri, "--default-artifact-root", place, "--no-serve-artifacts"]
    return [sys.executable, "-m", "mlflow", *words, "--host", HOST, "--port", str(port), "--workers", "1"]


def away_from_user(root: Path) -> dict[str, str]:
    """The user's folder may hold a queue.py or a package mlflow, which the server must not import for the real one."""
    return {"PYTHONSAFEPATH": "1", "UVICORN_APP_DIR": str(root.resolve())}


def require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise WrongInput(f"port {port} is taken: {error.strerror}", f"kpipe ui --port {port + 1}") from error


def answers(server: subprocess.Popen[bytes], port: int) -> bool:
    """Waits for the first answer; False when the server died or says nothing."""
    until = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False


def stop(server: subprocess.Popen[bytes]) -> None:
    """Ends the server with the workers it started, which live in its process group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
            server.wait(timeout=10)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
