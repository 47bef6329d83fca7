"""How long-running functions tell what they are doing, without printing anything."""

from collections.abc import Mapping
from typing import Protocol


class ProgressCallback(Protocol):
    """Called now and then by a long-running function.

    Parameters
    ----------
    done : float
        How much is done, in the unit of `total`.
    total : float
        How much there is to do; it may shrink or grow when the estimate improves.
    values : mapping of str to float
        What is worth watching, for instance ``{"energy": 1e-4}``.
    """

    def __call__(self, done: float, total: float, values: Mapping[str, float]) -> None: ...


def silent(done: float, total: float, values: Mapping[str, float]) -> None:
    """Ignore a progress report."""
