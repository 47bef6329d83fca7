"""Samples of a generator drawn by workers: those that it draws by itself."""

import numpy as np
import pytest

import microtwin as mt
from generation.tiny import TINY, grey_images, install_tiny_preset


@pytest.fixture
def run(tmp_path, monkeypatch):
    install_tiny_preset(monkeypatch.setitem)
    mt.train_gan(grey_images(), preset=TINY, workdir=tmp_path / "run", seed=5)
    return tmp_path / "run"


def test_samples_of_workers_are_those_of_the_stream(run, tmp_path, monkeypatch):
    # The tiny preset is known to this process alone: its thread is the worker.
    from distributed import Client

    with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0") as here:
        found = mt.sample_many(run, 5, store=tmp_path / "s", seed=2, shape=(32, 32), cluster=here)
        more = mt.sample_many(run, 20, store=tmp_path / "s", seed=2, shape=(32, 32), cluster=here)
    assert (found.skipped, more.skipped) == (0, 5)
    stream = mt.load_generator(run).stream(seed=2, shape=(32, 32))
    table = more.to_dataframe()
    for row, sample in zip(table.to_dict("records"), stream, strict=False):
        np.testing.assert_array_equal(more.labels[row["index"]], sample.labels)
    assert list(table["number"]) == list(range(20))
