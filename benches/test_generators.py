"""A training step of the small generator beside the same in PyTorch; for more, see generators.py.

pytest benches/test_generators.py
"""

import os

import pytest

import generators
from generators import Ours


@pytest.fixture(scope="module")
def ours():
    return Ours("dcgan-2d")


def test_step(benchmark, ours):
    ours.restart()
    benchmark.pedantic(ours.step, rounds=10, warmup_rounds=1)


@pytest.mark.parametrize("layout", generators.LAYOUTS)
def test_step_by_torch(benchmark, ours, layout):
    torch = pytest.importorskip("torch")
    import generators_torch as peer

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    model = peer.RECIPES[ours.preset.recipe](ours.preset, layout)
    real = peer.from_jax(ours.real, layout)
    generators.compare(ours, peer, model, real, layout)  # the same answer, or there is no time
    benchmark.pedantic(lambda: model.step(real), rounds=10, warmup_rounds=1)
