"""The engine under Keras: the only place that sets KERAS_BACKEND, precision, seeds and caches."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, get_args

from kpipe import devices as on
from kpipe.errors import MissingExtra, WrongInput
from kpipe.spec.mistake import nearest

Backend = Literal["tensorflow", "jax", "torch"]
Precision = Literal["float32", "mixed_bfloat16", "mixed_float16", "float64"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)
Wish = Literal["tensorflow", "jax", "torch", "fastest"]
"""What a pipeline may ask for; the engine itself is always one of BACKENDS."""
FASTEST: Final = "fastest"
"""The one that kpipe.bench finds to be the fastest."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")
"""What the engines and NumPy read when they are loaded; NPROC is what XLA takes for the number of cores."""


def installed() -> tuple[Backend, ...]:
    """The backends whose package is there, without importing any."""
    return tuple(name for name in BACKENDS if importlib.util.find_spec(name) is not None)


def wants_fastest(option: str | None, written: str | None) -> bool:
    """Whether, in the order of ``choose``, the fastest is asked for. (KERAS_BACKEND is Keras's own, and cannot.)"""
    return option == FASTEST or (written == FASTEST and not option and not os.environ.get("KERAS_BACKEND"))


def choose(option: str | None, written: str | None) -> Backend:
    """``--backend``, then KERAS_BACKEND, then the YAML's ``backend``, then the first installed.

    Raises: WrongInput: not one of the three. MissingExtra: its package is not installed.
    """
    available = installed()
    wanted = option or os.environ.get("KERAS_BACKEND") or written or next(iter(available), "tensorflow")
    for name in BACKENDS:
        if name == wanted:
            if name not in available:
                others = ", ".join(available)
                choice = f", or choose one of: {others}" if others else ""
                raise MissingExtra(f"the {name} backend is not installed", f"pip install 'kpipe[{name}]'{choice}")
            return name
    where = "--backend" if option else "KERAS_BACKEND" if os.environ.get("KERAS_BACKEND") else "backend"
    near = nearest(wanted, BACKENDS)
    hint = f"did you mean `{near}`?" if near else f"choose one of: {', '.join(BACKENDS)}"
    raise WrongInput(f"{where}: no backend `{wanted}`", hint)


def use(
    backend: Backend,
    precision: Precision = "float32",
    seed: int = 0,
    threads: int | None = None,
    devices: on.Devices = 1,
) -> None:
    """Imports Keras on ``backend``; call before anything else imports Keras.

    ``threads`` are those that the engine computes with on the CPU, by default one for each core: sums are taken in
    another order with another number of them, so results differ in the last digits, on every engine.

    Seeds Python's and the engine's generators by hand, as ``keras.utils.set_random_seed`` would import TensorFlow.
    """
    loaded = sys.modules.get("keras")
    if loaded is not None and loaded.backend.backend() != backend:
        raise WrongInput(
            f"Keras already runs on {loaded.backend.backend()} in this process, not on {backend}",
            "one process has one backend: start a new Python, or set KERAS_BACKEND before importing keras",
        )
    os.environ["KERAS_BACKEND"] = backend
    if threads is not None:
        limit_threads(backend, threads)
    if backend == "jax":
        keep_compiled_programs()
        if precision == "float64":
            os.environ["JAX_ENABLE_X64"] = "1"
    with silenced():
        on.make(backend, devices)
        import keras

        if backend == "tensorflow":
            let_tensorflow_speak()

    keras.config.set_dtype_policy(precision)
    random.seed(derive(seed, "initial weights"))
    if backend == "torch":
        import torch

        torch.manual_seed(derive(seed, "torch"))


def use_none() -> None:
    """Imports Keras without an engine (on NumPy), for a process that computes nothing itself: 3 s less."""
    if "keras" in sys.modules:
        return
    before = os.environ.get("KERAS_BACKEND")
    os.environ["KERAS_BACKEND"] = "numpy"
    try:
        importlib.import_module("keras")
    finally:
        if before is None:
            del os.environ["KERAS_BACKEND"]
        else:
            os.environ["KERAS_BACKEND"] = before


def limit_threads(backend: Backend, threads: int) -> None:
    """Gives the engine so many threads. One that computes already keeps what it has, but for PyTorch.

    Raises: WrongInput: TensorFlow computes already, with another number.
    """
    os.environ.update(dict.fromkeys(THREADS, str(threads)))
    with silenced():
        if backend == "tensorflow":
            import tensorflow as tf

            settings = tf.config.threading
            if settings.get_intra_op_parallelism_threads() != threads:
                try:
                    settings.set_intra_op_parallelism_threads(threads)
                    settings.set_inter_op_parallelism_threads(threads)
                except RuntimeError as error:
                    hint = "start a new Python, or leave out `threads`"
                    raise WrongInput(f"threads: TensorFlow computes already in this process: {error}", hint) from error
        elif backend == "torch":
            import torch

            torch.set_num_threads(threads)


def derive(seed: int, *path: object) -> int:
    """A seed of 31 bits for ``path`` under ``seed``, by hashing: neighbours in seed or path share nothing."""
    digest = hashlib.sha256(repr((seed, *path)).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


@contextmanager
def silenced() -> Iterator[None]:
    """Keeps what TensorFlow's C++ prints at import off the terminal (it no longer heeds TF_CPP_MIN_LOG_LEVEL).

    When the import fails, what was printed is shown.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 2)
        try:
            yield
        except BaseException:
            printed.seek(0)
            os.write(terminal, printed.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def let_tensorflow_speak() -> None:
    """Makes TensorFlow say here, where nobody hears it, what it says once: no GPU was found, memory is trimmed."""
    import tensorflow as tf

    tf.config.list_physical_devices()
    spoken = tf.data.Dataset.from_generator(lambda: iter([0]), output_signature=tf.TensorSpec((), tf.int32))
    list(spoken.as_numpy_iterator())


@contextmanager
def tensorflow_hidden() -> Iterator[None]:
    """On JAX and PyTorch, keeps Keras's saving from importing TensorFlow (2 to 5 s) only to look for its types."""
    hidden = "tensorflow" not in sys.modules
    if hidden:
        sys.modules["tensorflow"] = None  # type: ignore[assignment]  # Python's own way to make an import fail
    try:
        yield
    finally:
        if hidden:
            del sys.modules["tensorflow"]


def cache_folder() -> Path:
    """Where kpipe keeps what it can make again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kpipe"


def keep_compiled_programs() -> None:
    """Lets JAX keep what it compiled for the next process (first step of a CNN: 4.0 s without, 0.8 s with)."""
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache_folder() / "jax"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")


def device() -> str:
    """What computes: ``cpu``, or the accelerator's kind and number, as ``gpu x 1``. Keras must be in use."""
    import keras

    if keras.backend.backend() == "torch":
        import torch

        count = torch.cuda.device_count()
        return f"gpu x {count}" if count else "cpu"
    accelerators = [name for name in keras.distribution.list_devices() if not name.startswith("cpu")]
    return f"{accelerators[0].split(':')[0]} x {len(accelerators)}" if accelerators else "cpu"
