"""Every fast form equals the plain convolution that it stands for."""

import jax
import numpy as np
import pytest
from jax import lax

from microtwin.models import products


def normal(*shape, seed=0):
    return jax.random.normal(jax.random.key(seed), shape)


def plain(x, kernel, *, stride=1, padding="VALID"):
    names = ("NHWC", "HWIO", "NHWC") if x.ndim == 4 else ("NDHWC", "DHWIO", "NDHWC")
    return lax.conv_general_dilated(
        x, kernel, [stride] * (x.ndim - 2), padding, dimension_numbers=names
    )


def assert_same_with_gradients(fast, slow, x, kernel):
    expected = jax.jit(slow)(x, kernel)
    np.testing.assert_allclose(jax.jit(fast)(x, kernel), expected, rtol=1e-4, atol=1e-4)
    weight = normal(*expected.shape, seed=9)
    for argument in (0, 1):
        by = [
            jax.jit(jax.grad(lambda x, k, f=f: (f(x, k) * weight).sum(), argument))(x, kernel)
            for f in (fast, slow)
        ]
        np.testing.assert_allclose(by[0], by[1], rtol=1e-3, atol=1e-3)


def test_space_to_depth_is_undone_by_depth_to_space():
    x = normal(2, 12, 8, 3)
    np.testing.assert_array_equal(products.depth_to_space(products.space_to_depth(x, 4), 4), x)
    x = normal(2, 4, 8, 6, 3)
    deep = products.space_to_depth(x, 2)
    assert deep.shape == (2, 2, 4, 3, 24)
    np.testing.assert_array_equal(deep[0, 1, 2, 0, :3], x[0, 2, 4, 0])
    np.testing.assert_array_equal(products.depth_to_space(deep, 2), x)


@pytest.mark.parametrize("sides", [(7, 9), (5, 6, 7)])
@pytest.mark.parametrize("size", [1, 3])
def test_convolution_by_rows_is_the_plain_one(sides, size):
    x, kernel = normal(2, *sides, 3), normal(*[size] * len(sides), 3, 4, seed=1)
    assert_same_with_gradients(products.conv_valid, plain, x, kernel)


@pytest.mark.parametrize(("stride", "size"), [(1, 3), (2, 4), (2, 3)])
def test_strided_convolution_of_volumes_pads_like_the_plain_one(stride, size):
    x, kernel = normal(1, 8, 4, 6, 2), normal(*[size] * 3, 2, 3, seed=1)

    def fast(x, kernel):
        return products.conv_same(x, kernel, stride=stride)

    def slow(x, kernel):
        return plain(x, kernel, stride=stride, padding="SAME")

    assert_same_with_gradients(fast, slow, x, kernel)


STRIDES = [(1, 3), (1, 8), (2, 2), (2, 3), (2, 4), (2, 7), (2, 8), (4, 8)]


@pytest.mark.parametrize(("stride", "size"), STRIDES)
def test_strided_convolution_pads_like_the_plain_one(stride, size):
    x, kernel = normal(2, 16, 24, 3), normal(size, size, 3, 4, seed=1)

    def fast(x, kernel):
        return products.conv_same(x, kernel, stride=stride)

    def slow(x, kernel):
        return plain(x, kernel, stride=stride, padding="SAME")

    assert_same_with_gradients(fast, slow, x, kernel)


@pytest.mark.parametrize(("stride", "size"), [*STRIDES, (3, 4)])
def test_transposed_convolution_is_the_transpose_of_the_plain_one(stride, size):
    x, kernel = normal(2, 5, 7, 3), normal(size, size, 4, 3, seed=1)

    def fast(x, kernel):
        return products.conv_transposed(x, kernel, stride=stride)

    def slow(x, kernel):
        large = jax.ShapeDtypeStruct((2, 5 * stride, 7 * stride, 4), x.dtype)
        same = jax.linear_transpose(
            lambda y: plain(y, kernel, stride=stride, padding="SAME"), large
        )
        return same(x)[0]

    assert_same_with_gradients(fast, slow, x, kernel)


@pytest.mark.parametrize("block", [2, 4, 8])
@pytest.mark.parametrize("size", [3, 8])
def test_convolution_of_one_channel_is_a_product_of_blocks(block, size):
    x, kernel = normal(2, 16, 32, 1), normal(size, size, 1, 1, seed=1)

    def fast(x, kernel):
        return products.conv_same_in_blocks(x, kernel, block=block)

    def slow(x, kernel):
        return plain(x, kernel, padding="SAME")

    assert_same_with_gradients(fast, slow, x, kernel)


@pytest.mark.parametrize("sides", [(7, 9), (4, 5, 6)])
def test_doubling_and_convolving_is_one_product_at_the_low_resolution(sides):
    x, kernel = normal(2, *sides, 3), normal(*[3] * len(sides), 3, 4, seed=1)

    def slow(x, kernel):
        n, *low, c = x.shape
        doubled = jax.image.resize(x, (n, *(2 * side for side in low), c), "linear")
        inner = [slice(1, -1)] * len(low)  # without what the border influenced
        return plain(doubled, kernel)[(slice(None), *inner)]

    assert_same_with_gradients(products.double_and_conv_valid, slow, x, kernel)


@pytest.mark.parametrize("sides", [(6, 8), (7, 5)])
def test_pooling_of_pairs_is_that_of_windows(sides):
    x = normal(2, *sides, 3)
    weight = normal(2, *(side // 2 for side in sides), 3, seed=1)

    def windows(x):
        return jax.lax.reduce_window(x, -np.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def pairs(x):
        return products.max_pool(x, size=2, stride=2)

    np.testing.assert_array_equal(pairs(x), windows(x))
    by = [jax.jit(jax.grad(lambda x, f=f: (f(x) * weight).sum()))(x) for f in (pairs, windows)]
    np.testing.assert_array_equal(*by)


def test_pooling_gives_the_gradient_to_the_first_of_equals_and_shows_what_is_no_number():
    slope = jax.grad(lambda x: products.max_pool(x, size=2, stride=2).sum())
    equals = np.zeros((1, 2, 2, 1), "f4")
    np.testing.assert_array_equal(slope(equals)[0, :, :, 0], [[1, 0], [0, 0]])
    equals[0, 0, 0] = -1
    np.testing.assert_array_equal(slope(equals)[0, :, :, 0], [[0, 1], [0, 0]])
    for place in range(4):
        x = np.arange(4, dtype="f4")
        x[place] = np.nan
        assert np.isnan(products.max_pool(x.reshape(1, 2, 2, 1), size=2, stride=2)).all()


def test_vector_along_all_places_is_what_is_broadcast_and_its_gradient_the_sum():
    x, vector = normal(4, 5, 6, 3), normal(3, seed=1)
    np.testing.assert_allclose(x * products.along(vector, x), x * vector)
    found = jax.grad(lambda vector: (x * products.along(vector, x)).sum())(vector)
    np.testing.assert_allclose(found, x.sum((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(products.mean_of_places(x), x.mean((0, 1, 2)), atol=1e-6)


def test_smoothing_keeps_constants_and_removes_a_period_of_two_pixels():
    y, x = np.mgrid[:8, :8]
    np.testing.assert_allclose(products.smooth_valid(np.full((1, 8, 8, 2), 3.0)), 3.0)
    for wave in ((-1.0) ** y, (-1.0) ** x, (-1.0) ** (x + y)):
        np.testing.assert_allclose(products.smooth_valid(wave[None, ..., None]), 0.0, atol=1e-7)


@pytest.mark.parametrize("sides", [(6, 7), (5, 4, 6)])
def test_smoothing_is_the_convolution_with_the_binomial_kernel(sides):
    x = normal(2, *sides, 1)
    kernel = np.ones(())
    for _ in sides:
        kernel = np.multiply.outer(kernel, np.array([1, 2, 1]) / 4)
    kernel = jax.numpy.asarray(kernel[..., None, None], jax.numpy.float32)

    def fast(x, kernel):
        return products.smooth_valid(x) + 0 * kernel.sum()

    def slow(x, kernel):
        return plain(x, jax.lax.stop_gradient(kernel)) + 0 * kernel.sum()

    assert_same_with_gradients(fast, slow, x, kernel)
