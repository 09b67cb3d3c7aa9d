"""Tests that take the fixture ``backend`` run once per backend, in a process of its own (see the Makefile)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import kpipe.backend

LANE = os.environ.get("KERAS_BACKEND", "plain")
# JAX writes what it compiled in place: lanes that run side by side would read each other's halves
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(kpipe.backend.cache_folder() / f"jax-tests-{LANE}"))
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # for the processes that tests start


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "keras" in sys.modules:  # then JAX, for one, keeps no compiled programs, and the JAX lane takes far longer
        raise pytest.UsageError("a test file imports Keras at its top: import it in the tests, after `backend`")
    for item in items:
        if "backend" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.backend)


@pytest.fixture(scope="session", autouse=True)
def _as_in_a_terminal() -> None:
    """Python's own handler of Ctrl-C, which a process started in the background does not have."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def backend() -> str:
    """The backend of this process: KERAS_BACKEND, or the first installed. Keras is imported on it."""
    name = kpipe.backend.choose(None, None)
    kpipe.backend.use(name)
    return name


@pytest.fixture(autouse=True)
def _compiled_for_how_long_it_runs(request: pytest.FixtureRequest) -> None:
    """On JAX most tests compile for longer than they compute; those that train for long are worth XLA's whole work."""
    if jax := sys.modules.get("jax"):
        jax.config.update("jax_disable_most_optimizations", request.node.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def _no_test_tells_the_next_of_its_store() -> Iterator[None]:
    """MLflow remembers for the whole process which store was opened last, and prefers it to MLFLOW_TRACKING_URI."""
    yield
    if mlflow := sys.modules.get("mlflow"):
        mlflow.set_tracking_uri(None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets that lies beside the project, or KPIPE_TEST_DATA."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("KPIPE_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real data sets in {folder}: set KPIPE_TEST_DATA")
    return folder


@pytest.fixture
def beside_real_data(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the test in an empty folder from which the real data sets are at ``../shared/data``."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "data").symlink_to(request.getfixturevalue("shared_data"))
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once, as MLflow takes seconds to make one, and elsewhere, as MLflow remembers which store was in use."""
    root = tmp_path_factory.mktemp("empty")
    make = "import sys, pathlib; from kpipe.tracking import store; root = pathlib.Path(sys.argv[1]); "
    make += "store.connect(store.local_uri(root), root)"
    subprocess.run([sys.executable, "-c", make, str(root)], check=True, capture_output=True)
    return root / "mlflow.db"
