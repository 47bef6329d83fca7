"""On which device JAX works, in the words of microtwin."""

from collections.abc import Iterator
from contextlib import contextmanager

from microtwin import _backend, _validate
from microtwin.errors import DeviceError


@contextmanager
def jax_on(device: str) -> Iterator[None]:
    """Let JAX work on "cpu" or "cuda" within the block; "auto" leaves it to JAX.

    Raises
    ------
    DeviceError
        If "cuda" is asked for and JAX sees no GPU.
    """
    _validate.choice(device, _backend.DEVICES, name="device")
    if device == "auto":
        yield
        return
    import jax

    try:
        chosen = jax.devices(device)[0]
    except RuntimeError as error:
        raise DeviceError(
            f'device "{device}" is not available to JAX; pip install "jax[cuda12]" where there is '
            "an NVIDIA GPU"
        ) from error
    with jax.default_device(chosen):
        yield
