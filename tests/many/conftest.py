"""Two workers on this machine that all tests share, and small structures."""

import numpy as np
import pytest

from microtwin.images import save_image
from microtwin.images.synthetic import gaussian_field

pytest.importorskip("distributed", reason="dask is not installed")
pytest.importorskip("pyarrow", reason="pyarrow is not installed")


@pytest.fixture(scope="session")
def two_workers():
    from distributed import Client, LocalCluster

    # Tests kill workers: these are told to come back, however often.
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def structures():
    """Twelve images of a two-phase material."""
    return [
        np.asarray(gaussian_field((48, 48), correlation_length=3, fraction=0.45, seed=seed))
        for seed in range(12)
    ]


@pytest.fixture
def files(structures, tmp_path):
    """The same, in a folder."""
    folder = tmp_path / "images"
    folder.mkdir()
    for i, labels in enumerate(structures):
        save_image(folder / f"{i:02d}.png", labels)
    return folder
