"""A normalising flow: an invertible network that gives what it sees a probability density."""

import math

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from microtwin.models.layers import Dense


class RealNvp(nnx.Module):
    """The flow of Mantegazza et al. (2022) on codes, a Real-NVP (Dinh et al. 2017).

    Each coupling layer scales and shifts every other number by amounts that follow from those
    between, which pass as they are, and batch normalisation comes after it; the next layer does the
    reverse. For codes of 128: 397,312 trainable parameters, which is what the paper's framework
    counts; 398,336 with moving statistics, as Keras counts.

    The source's "tanh on s" is taken to be after each of the three products, so that a layer scales
    by no more than e; between the products that shift is a ReLU.

    Parameters
    ----------
    code : int
        Numbers of a code.
    couplings : int
        How many coupling layers.
    rngs : nnx.Rngs
        Where the initial kernels come from.
    """

    def __init__(self, *, code: int = 128, couplings: int = 4, rngs: nnx.Rngs) -> None:
        self.couplings = nnx.List([Coupling(code, i % 2, rngs=rngs) for i in range(couplings)])
        self.norms = nnx.List([InvertibleNorm(code) for _ in range(couplings)])

    def __call__(self, codes: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map codes (n, code) to the logarithm of their density (n,); nothing is random here."""
        z, volume = self.forward(codes, train=train)
        return volume - (z * z + math.log(2 * math.pi)).sum(-1) / 2

    def forward(self, codes: Array, *, train: bool = False) -> tuple[Array, Array]:
        """Map codes to normal numbers z (n, code), and log|det dz/dcode| (n,)."""
        z, volume = codes, jnp.zeros(len(codes))
        for coupling, norm in zip(self.couplings, self.norms, strict=True):
            z, more = coupling(z)
            z, most = norm(z, train=train)
            volume = volume + more + most
        return z, volume

    def inverse(self, z: Array) -> Array:
        """Map normal numbers (n, code) back to codes, as `forward` does when not training."""
        for coupling, norm in zip(reversed(self.couplings), reversed(self.norms), strict=True):
            z = coupling.inverse(norm.inverse(z))
        return z


class Coupling(nnx.Module):
    """Scale and shift every other number by what follows from those between.

    Parameters
    ----------
    code : int
        Numbers of a code.
    passes : {0, 1}
        Whether those with even or odd places pass as they are.
    """

    def __init__(self, code: int, passes: int, *, rngs: nnx.Rngs) -> None:
        self.passes = passes
        self.scale = nnx.List([Dense(code, code, rngs=rngs) for _ in range(3)])
        self.shift = nnx.List([Dense(code, code, rngs=rngs) for _ in range(3)])

    def __call__(self, x: Array) -> tuple[Array, Array]:
        """Return the new numbers (n, code), and log|det| (n,)."""
        scale, shift = self._follows(x)
        return x * jnp.exp(scale) + shift, scale.sum(-1)

    def inverse(self, x: Array) -> Array:
        """Undo it: what passed is still there to follow from."""
        scale, shift = self._follows(x)
        return (x - shift) * jnp.exp(-scale)

    def _follows(self, x: Array) -> tuple[Array, Array]:
        """Return logarithms of scales, and shifts: zero where numbers pass."""
        passing = jnp.arange(x.shape[-1]) % 2 == self.passes
        scale = shift = jnp.where(passing, x, 0)
        for by, (one, other) in enumerate(zip(self.scale, self.shift, strict=True)):
            scale, shift = jnp.tanh(one(scale)), other(shift)
            shift = jax.nn.relu(shift) if by < len(self.shift) - 1 else shift
        return jnp.where(passing, 0, scale), jnp.where(passing, 0, shift)


class InvertibleNorm(nnx.Module):
    """Batch normalisation as a layer of a flow (Dinh et al. 2017, section 3.7).

    Parameters
    ----------
    code : int
        Numbers of a code.
    momentum : float
        How much of the moving statistics stays in each step.
    epsilon : float
        Added to variances.
    """

    def __init__(self, code: int, *, momentum: float = 0.9, epsilon: float = 1e-5) -> None:
        self.momentum, self.epsilon = momentum, epsilon
        self.log_scale = nnx.Param(jnp.zeros(code))
        self.bias = nnx.Param(jnp.zeros(code))
        self.mean = nnx.BatchStat(jnp.zeros(code))
        self.var = nnx.BatchStat(jnp.ones(code))

    def __call__(self, x: Array, *, train: bool) -> tuple[Array, Array]:
        """Return what is normalised (n, code), and log|det| (n,).

        While training, by the statistics of the batch, which count as given in the determinant.
        """
        if train:
            mean, var = x.mean(0), x.var(0)
            for moving, now in ((self.mean, mean), (self.var, var)):
                moving[...] = self.momentum * moving[...] + (1 - self.momentum) * now
        else:
            mean, var = self.mean[...], self.var[...]
        gain = self.log_scale[...] - jnp.log(var + self.epsilon) / 2
        normal = (x - mean) * jnp.exp(gain) + self.bias[...]
        return normal, jnp.broadcast_to(gain.sum(), len(x))

    def inverse(self, x: Array) -> Array:
        """Undo it by the moving statistics."""
        gain = self.log_scale[...] - jnp.log(self.var[...] + self.epsilon) / 2
        return (x - self.bias[...]) * jnp.exp(-gain) + self.mean[...]
