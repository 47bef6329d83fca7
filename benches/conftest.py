"""What the benchmarks share."""

import pytest

from structures import blobs


@pytest.fixture(scope="session", params=[(1024, 1024), (256, 256, 256)], ids=["1024^2", "256^3"])
def structure(request):
    """Give a two-phase structure of each size in turn."""
    return blobs(request.param)
