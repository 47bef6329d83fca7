"""The version of the installed package, said once: in pyproject.toml; and those of what it uses."""

import platform
from importlib.metadata import PackageNotFoundError, version

LIBRARIES = ("numpy", "scipy", "scikit-image", "scikit-learn", "jax", "flax", "optax")

try:
    __version__ = version("microtwin")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+source"


def versions() -> dict[str, str]:
    """Return the versions of what decides the numbers."""
    found = {"microtwin": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
