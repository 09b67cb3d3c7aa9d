"""Devices: how many of them one training is spread over, and whether there are so many."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Annotated, Literal

from pydantic import Field

from kpipe.errors import WrongInput

PROCESSES_A_CORE = 4
"""At most, on PyTorch without accelerators: some 300 MB each."""
Devices = Annotated[int, Field(ge=1, le=1024)] | Literal["all"]


def make(engine: str, wanted: Devices) -> None:
    """Before the engine computes: as many virtual devices on the CPU, for machines without accelerators.

    PyTorch needs none: there each device has a process of its own. An engine that computes already keeps what it has,
    which ``number`` finds.
    """
    if wanted == "all" or wanted == 1:
        return
    with suppress(RuntimeError):
        if engine == "jax":
            import jax

            jax.config.update("jax_num_cpu_devices", wanted)
        elif engine == "tensorflow":
            import tensorflow as tf

            cpu = tf.config.list_physical_devices("CPU")[0]
            tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * wanted)


def number(engine: str, wanted: Devices, batch_size: int) -> int:
    """How many devices there will be. The engine must be in use.

    Raises: WrongInput: there are not so many, or a batch cannot be shared evenly among all of them.
    """
    kind, there = found(engine)
    if wanted == "all":
        if wrong := uneven(batch_size, there):
            raise WrongInput(f"data.batch_size: {wrong[0]} (devices: all)", wrong[1])
        return there
    if wanted > there and not (engine == "torch" and kind == "cpu"):
        hint = f"choose at most {there}, or `devices: all`"
        if kind == "cpu":
            hint = f"{engine} computes already in this process: start a new Python, where virtual ones can be made"
        raise WrongInput(f"devices: {wanted} are asked for, but {there} of kind {kind} {is_or_are(there)} there", hint)
    if wanted > there and wanted > (most := PROCESSES_A_CORE * (os.cpu_count() or 1)):
        message = f"devices: {wanted} would be so many processes, on {os.cpu_count()} cores"
        raise WrongInput(message, f"choose at most {most}, or another backend")
    return wanted


def found(engine: str) -> tuple[str, int]:
    """The kind of devices that compute, and how many there are."""
    if engine == "torch":
        import torch

        return ("gpu", torch.cuda.device_count()) if torch.cuda.is_available() else ("cpu", 1)
    if engine == "jax":
        import jax

        return jax.devices()[0].platform, jax.local_device_count()
    import tensorflow as tf

    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    return kind.lower(), len(tf.config.list_logical_devices(kind))


def uneven(batch_size: int, devices: int) -> tuple[str, str] | None:
    """What is wrong with a batch size, and what to do; None where all devices get the same share."""
    if batch_size % devices == 0:
        return None
    below, above = batch_size // devices * devices, -(-batch_size // devices) * devices
    nearest = f"{below} or {above}" if below else str(above)
    return f"{batch_size} examples cannot be shared evenly among {devices} devices", f"the nearest that can: {nearest}"


def words(device: str, number: int) -> str:
    """``cpu``, or of several devices ``cpu, 2 devices``."""
    return device if number == 1 else f"{device}, {number} devices"


def is_or_are(count: int) -> str:
    return "is" if count == 1 else "are"
