"""A random forest as plain arrays: learned by scikit-learn, kept and opened without pickles."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]

TREES = 100
LEAF = 2  # pixels at least in a leaf
NO_CHILD = -1


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Decision trees (Breiman, Machine Learning 45, 5, 2001), one after the other in each array.

    Parameters
    ----------
    starts : ndarray of int64, shape (trees + 1,)
        Where each tree begins; the last is the number of nodes.
    left, right : ndarray of int64, shape (nodes,)
        Children within the tree, -1 for leaves; a child comes after its parent.
    feature : ndarray of int64, shape (nodes,)
        What a node looks at; what is at most the threshold goes left.
    threshold : ndarray of float64, shape (nodes,)
        Where it parts.
    shares : ndarray of float64, shape (nodes, phases)
        Shares of the phases among the pixels that came to a node.
    """

    starts: Array
    left: Array
    right: Array
    feature: Array
    threshold: Array
    shares: Array
    _trees: tuple[Any, ...]

    @classmethod
    def fit(
        cls, features: Floats, labels: Array, weights: Array, *, seed: int, threads: int
    ) -> "Forest":
        """Learn from features (n, features), labels 0..k-1 and weights (n,)."""
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(
            TREES, min_samples_leaf=LEAF, random_state=seed % 2**32, n_jobs=threads
        )
        forest.fit(features, labels, sample_weight=weights)
        trees = [one.tree_ for one in forest.estimators_]
        shares = np.concatenate([tree.value[:, 0] for tree in trees])
        return cls.of(
            {
                "starts": np.cumsum([0, *(tree.node_count for tree in trees)], dtype=np.int64),
                "left": np.concatenate([tree.children_left for tree in trees]),
                "right": np.concatenate([tree.children_right for tree in trees]),
                "feature": np.concatenate([tree.feature for tree in trees]),
                "threshold": np.concatenate([tree.threshold for tree in trees]),
                "shares": shares / shares.sum(axis=1, keepdims=True),
            },
            features=features.shape[1],
            phases=shares.shape[1],
        )

    @classmethod
    def of(cls, arrays: Mapping[str, Array], *, features: int, phases: int) -> "Forest":
        """Take the arrays of a file.

        Raises
        ------
        ValueError
            If they are no forest: scikit-learn would follow a wrong child out of its memory.
        """
        starts, left, right, feature = (arrays[name] for name in _INDICES)
        threshold, shares = (arrays[name] for name in _NUMBERS)
        _require(all(arrays[name].dtype == np.int64 for name in _INDICES))
        _require(all(arrays[name].dtype == np.float64 for name in _NUMBERS))
        nodes = len(left)
        _require(starts.ndim == 1 and len(starts) > 1 and starts[0] == 0 and starts[-1] == nodes)
        _require((np.diff(starts) > 0).all())
        _require(all(part.shape == (nodes,) for part in (left, right, feature, threshold)))
        _require(shares.shape == (nodes, phases))
        _require(np.isfinite(shares).all() and np.isfinite(threshold).all())
        own = np.arange(nodes) - np.repeat(starts[:-1], np.diff(starts))
        size = np.repeat(np.diff(starts), np.diff(starts))
        leaf = (left == NO_CHILD) & (right == NO_CHILD)
        for child in (left, right):
            _require((leaf | ((child > own) & (child < size))).all())
        _require((leaf | ((feature >= 0) & (feature < features))).all())
        parts = [slice(a, b) for a, b in pairwise(starts)]
        trees = tuple(
            _tree(left[s], right[s], feature[s], threshold[s], shares[s], features) for s in parts
        )
        return cls(starts, left, right, feature, threshold, shares, trees)

    def arrays(self) -> dict[str, Array]:
        """Return what `of` takes."""
        return {name: getattr(self, name) for name in _INDICES + _NUMBERS}

    def probabilities(self, features: Floats) -> Floats:
        """Return the shares of the phases for features (n, features), shape (n, phases)."""
        # Always in this order: threads of scikit-learn's own would add up in any.
        total = np.zeros((len(features), self.shares.shape[1]))
        for tree in self._trees:
            total += tree.predict(features)
        return (total / len(self._trees)).astype(np.float32)


_INDICES = ("starts", "left", "right", "feature")
_NUMBERS = ("threshold", "shares")


def _require(true: Any) -> None:
    if not true:
        raise ValueError("no forest")


def _tree(
    left: Array, right: Array, feature: Array, threshold: Array, shares: Array, features: int
) -> Any:
    """Return scikit-learn's compiled tree, ten times as fast as one walked by NumPy."""
    from sklearn.tree import _tree as compiled

    nodes = np.zeros(len(left), compiled.NODE_DTYPE)
    nodes["left_child"], nodes["right_child"] = left, right
    nodes["feature"], nodes["threshold"] = feature, threshold
    tree = compiled.Tree(features, np.array([shares.shape[1]], np.intp), 1)
    values = np.ascontiguousarray(shares[:, None, :])
    tree.__setstate__(
        {"max_depth": len(left), "node_count": len(left), "nodes": nodes, "values": values}
    )
    return tree
