"""Which devices this process has, and what was built in."""

import importlib
import os
from types import ModuleType

from microtwin import _validate
from microtwin.errors import DeviceError

DEVICES = ("auto", "cpu", "cuda")


def available_cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def cuda_module() -> ModuleType | None:
    """Return the optional `_cuda` extension, or None if microtwin was built without it."""
    try:
        return importlib.import_module("microtwin._cuda")
    except ImportError:
        return None


def cuda_device_count() -> int:
    """Return how many NVIDIA GPUs the `_cuda` extension can use."""
    module = cuda_module()
    return int(module.device_count()) if module is not None else 0


def resolve(device: str) -> str:
    """Turn "auto", "cpu" or "cuda" into "cpu" or "cuda" for the functions of the core.

    Raises
    ------
    DeviceError
        If "cuda" is asked for and there is no GPU or no CUDA module; nothing falls back silently.
    """
    _validate.choice(device, DEVICES, name="device")
    if device == "cpu":
        return "cpu"
    count = cuda_device_count()
    if device == "cuda" and count == 0:
        built = cuda_module() is not None
        reason = "no NVIDIA GPU was found" if built else "microtwin was built without CUDA"
        raise DeviceError(f'device "cuda" is not available: {reason}')
    return "cuda" if count else "cpu"
