"""Memory: given back between trainings, so that one process can carry out any number of them."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys


def clear() -> None:
    """Gives back the memory of a training."""
    if "keras" not in sys.modules:  # refused before it came to that: the engine is not chosen yet
        return
    import keras

    keras.backend.clear_session()
    if keras.backend.backend() == "jax":
        import jax

        jax.clear_caches()  # first, as programs hold on to the model that they were traced from
    gc.collect()
    if not gc.get_freeze_count():
        gc.freeze()  # the engine, which stays: to look through it after each training takes 0.3 s
    if keras.backend.backend() == "torch":
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    trim()


def trim() -> None:
    """Returns to the system what was freed: glibc keeps it, in pieces too small for what the next training asks for."""
    with contextlib.suppress(AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
