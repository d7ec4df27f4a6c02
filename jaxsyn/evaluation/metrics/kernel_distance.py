"""Kernel Inception Distance: squared MMD of features (Binkowski et al., ICLR 2018, arXiv 1801.01401)."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsyn.errors import UserError

# unbiased leaves the diagonals of k(x, x) and k(y, y) out; u_statistic that of k(x, y) too; biased nothing.
Estimator = Literal["unbiased", "biased", "u_statistic"]


class KernelDistance(NamedTuple):
    """Mean and standard deviation over subsets, what was drawn, and a line on how far to trust it ("" if nothing)."""

    mean: float
    std: float
    subsets: int
    subset_size: int
    note: str


def polynomial_kernel(x: jax.Array, y: jax.Array, degree: int = 3, coefficient: float = 1.0) -> jax.Array:
    """(x.y / D + coefficient)^degree for features [N, D] and [M, D] -> [N, M]."""
    inner = jnp.matmul(x, y.T, precision=jax.lax.Precision.HIGHEST)
    return (inner / x.shape[1] + coefficient) ** degree


def gaussian_kernel(x: jax.Array, y: jax.Array, sigma: float = 1.0) -> jax.Array:
    """exp(-|x - y|^2 / (2 sigma^2)) for features [N, D] and [M, D] -> [N, M]."""
    inner = jnp.matmul(x, y.T, precision=jax.lax.Precision.HIGHEST)
    squared = (x * x).sum(1)[:, None] + (y * y).sum(1) - 2 * inner
    return jnp.exp(-jnp.maximum(squared, 0) / (2 * sigma**2))


def mmd2(
    kernel_xx: jax.Array, kernel_yy: jax.Array, kernel_xy: jax.Array, estimator: Estimator = "unbiased"
) -> jax.Array:
    """Squared maximum mean discrepancy from the kernel matrices [m, m] of two samples of size m; a scalar.

    Takes numpy arrays (then it works in their precision) or jax arrays (then it is jit-able and differentiable).
    """
    m = len(kernel_xx)
    if estimator == "biased":
        return kernel_xx.mean() + kernel_yy.mean() - 2 * kernel_xy.mean()
    within = (kernel_xx.sum() - kernel_xx.trace() + kernel_yy.sum() - kernel_yy.trace()) / (m * (m - 1))
    if estimator == "u_statistic":
        return within - 2 * (kernel_xy.sum() - kernel_xy.trace()) / (m * (m - 1))
    return within - 2 * kernel_xy.mean()


def mmd2_variance(kernel_xx: np.ndarray, kernel_yy: np.ndarray, kernel_xy: np.ndarray) -> np.floating:
    """Estimated variance of the unbiased squared discrepancy at the sample size m >= 3, from kernel matrices [m, m].

    The terms cancel almost wholly: pass float64 made from float64 features.
    Source: Sutherland et al., ICLR 2017 (arXiv 1611.04488), appendix A.
    """
    m = len(kernel_xx)
    ordered, triples, m2 = m * (m - 1), m * (m - 1) * (m - 2), m * m
    xx, yy = (kernel - np.diag(np.diag(kernel)) for kernel in (kernel_xx, kernel_yy))
    rows_xx, rows_yy, rows_xy, rows_yx = xx.sum(1), yy.sum(1), kernel_xy.sum(1), kernel_xy.sum(0)
    mean_xx, mean_yy, mean_xy = xx.sum() / ordered, yy.sum() / ordered, kernel_xy.mean()
    # Estimates of E k(a, b) k(a, c) and of E k(a, b)^2, for a, b, c drawn anew.
    shared_within = (rows_xx @ rows_xx - (xx**2).sum() + rows_yy @ rows_yy - (yy**2).sum()) / triples
    shared_across = (rows_xy @ rows_xy + rows_yx @ rows_yx - 2 * (kernel_xy**2).sum()) / (m2 * (m - 1))
    mixed = (rows_xx @ rows_xy + rows_yy @ rows_yx) / (m2 * (m - 1))
    squares = ((xx**2).sum() + (yy**2).sum()) / ordered + 2 * (kernel_xy**2).mean()
    centre = mean_xx**2 + mean_yy**2 + 2 * mean_xy**2
    cross = 2 * (mean_xx + mean_yy) * mean_xy
    zeta_1 = shared_within + shared_across - centre - 2 * mixed + cross
    zeta_2 = squares - centre - 4 * mixed + 2 * cross
    return 4 * (m - 2) / ordered * zeta_1 + 2 / ordered * zeta_2


def kid(
    real: np.ndarray, fake: np.ndarray, subsets: int = 100, subset_size: int = 1000, seed: int = 2020
) -> KernelDistance:
    """Unbiased MMD^2 under the cubic kernel, over random subsets of features real [N, D] and fake [M, D].

    The defaults are torch-fidelity's, its draws too: numpy's RandomState(seed), fake before real. A subset is cut to
    the smaller set, and the note says so. Raises UserError for fewer than two images in a set.
    """
    smallest = min(len(real), len(fake))
    if smallest < 2:
        raise UserError(
            f"kid needs at least 2 images in each set, found {len(real)} real and {len(fake)} fake: add images"
        )
    size = min(subset_size, smallest)
    draw = np.random.RandomState(seed)
    estimates = []
    for _ in range(subsets):
        y = fake[draw.choice(len(fake), size, replace=False)]
        x = real[draw.choice(len(real), size, replace=False)]
        # The three kernels differ by far less than their values: their sums are taken in float64.
        estimates.append(mmd2(*(np.asarray(kernel, np.float64) for kernel in _cubic_kernels(x, y))))
    note = "" if size == subset_size else f"subsets of {size} images, not {subset_size}: the smaller set has no more"
    return KernelDistance(float(np.mean(estimates)), float(np.std(estimates)), subsets, size, note)


@jax.jit
def _cubic_kernels(x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    return polynomial_kernel(x, x), polynomial_kernel(y, y), polynomial_kernel(x, y)
