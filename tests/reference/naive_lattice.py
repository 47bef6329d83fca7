"""The lattice of a generator by its definition, place by place and pair by pair."""

import itertools

import numpy as np


def tables(samples, phase, stride):
    """Volume fraction of each sample at the places modulo the stride, less the sample's."""
    result = []
    for sample in samples:
        whole = sample[tuple(slice(n // stride * stride) for n in sample.shape)] == phase
        table = np.empty((stride,) * sample.ndim)
        for place in itertools.product(range(stride), repeat=sample.ndim):
            table[place] = whole[tuple(slice(p, None, stride) for p in place)].mean()
        result.append(table - whole.mean())
    return result


def deviation(samples, phase, stride):
    return np.mean(tables(samples, phase, stride), axis=0).std()


def expected(samples, phase, stride):
    return np.sqrt(sum(t.var() for t in tables(samples, phase, stride))) / len(samples)


def covariance(samples, phase, stride):
    pairs = itertools.permutations(tables(samples, phase, stride), 2)
    return np.mean([np.mean(a * b) for a, b in pairs])


def lines(samples, phase, stride):
    """Coherent over incoherent power at each lattice frequency with more power than rounding."""
    found = {}
    for k in itertools.product(range(stride), repeat=samples[0].ndim):
        wave = np.ones(())
        for ki in k:
            wave = wave[..., None] * np.exp(-2j * np.pi * ki * np.arange(stride) / stride)
        parts = [(t * wave).sum() for t in tables(samples, phase, stride)]
        power = sum(abs(part) ** 2 for part in parts)
        if any(k) and power > 1e-20:
            found[k] = abs(sum(parts)) ** 2 / power
    return found
