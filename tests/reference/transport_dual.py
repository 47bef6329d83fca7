"""The network dual to voxels in the plane: its nodes are their corners."""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve


def dual_conductance(labels, conductivities, axis, *, periodic=False):
    """Effective conductivity of the dual network across `axis`, with 1/k in each voxel.

    Every face of a voxel becomes the edge between its two corners, with the face's resistance for
    a conductance. The product with the effective conductivity of the voxels along `axis` is one.
    """
    k = np.vectorize(conductivities.__getitem__, otypes=[float])(np.asarray(labels))
    resistance = 1 / (k if axis == 0 else k.T)  # conduction of the voxels along axis 0
    n, m = resistance.shape
    if periodic:
        return _periodic(resistance)
    # Corners (n+1, m+1). The first and last columns are the inlet and the outlet of the dual.
    node = np.arange((n + 1) * (m + 1)).reshape(n + 1, m + 1)
    padded = np.pad(resistance, ((1, 1), (0, 0)))  # a half face on the rim has half the resistance
    across = (padded[1:] + padded[:-1]) / 2  # faces across axis 0: edges along axis 1
    inner = (resistance[:, 1:] + resistance[:, :-1]) / 2  # across axis 1: edges along axis 0
    here = np.concatenate([node[:, :-1].ravel(), node[:-1, 1:-1].ravel()])
    there = np.concatenate([node[:, 1:].ravel(), node[1:, 1:-1].ravel()])
    g = np.concatenate([across.ravel(), inner.ravel()])
    matrix = _laplacian(here, there, g, node.size)
    fixed = np.zeros(node.shape, bool)
    fixed[:, [0, -1]] = True
    u = np.zeros(node.shape)
    u[:, 0] = 1
    u, fixed = u.ravel(), fixed.ravel()
    u[~fixed] = spsolve(matrix[~fixed][:, ~fixed].tocsc(), -matrix[~fixed][:, fixed] @ u[fixed])
    into = (matrix @ u)[node[:, 0]].sum()
    return into * m / n


def _periodic(resistance):
    n, m = resistance.shape
    node = np.arange(n * m).reshape(n, m)
    across = (resistance + np.roll(resistance, 1, 0)) / 2
    along = (resistance + np.roll(resistance, 1, 1)) / 2
    here = np.concatenate([node.ravel(), node.ravel()])
    there = np.concatenate([np.roll(node, -1, 1).ravel(), np.roll(node, -1, 0).ravel()])
    g = np.concatenate([across.ravel(), along.ravel()])
    drop = np.concatenate([np.ones(n * m), np.zeros(n * m)])  # a mean gradient along axis 1
    matrix = _laplacian(here, there, g, n * m)
    right = np.bincount(there, g * drop) - np.bincount(here, g * drop)
    u = np.zeros(n * m)
    u[1:] = spsolve(matrix[1:, 1:].tocsc(), right[1:])
    return (g * drop * (u[here] - u[there] + drop)).sum() / (n * m)


def _laplacian(here, there, g, size):
    ends = (np.concatenate([here, there]), np.concatenate([there, here]))
    links = sparse.coo_array((np.concatenate([g, g]), ends), (size, size)).tocsr()
    return (sparse.diags_array(links.sum(axis=1)) - links).tocsr()
