"""The version of the installed package, said once: in pyproject.toml."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("microtwin")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+source"
