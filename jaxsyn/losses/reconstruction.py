"""Distances between generated and real images, in features or pixels."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax import lax

from jaxsyn.layers.normalization import InstanceNorm
from jaxsyn.layers.precision import at_least_float32


def mean_absolute(x: jax.Array, y: jax.Array) -> jax.Array:
    """Mean |x - y| over all elements, in float32 or wider."""
    return jnp.abs(at_least_float32(x) - at_least_float32(y)).mean()


def feature_matching(on_fake: Sequence[Sequence[jax.Array]], on_real: Sequence[Sequence[jax.Array]]) -> jax.Array:
    """Discriminator feature matching (pix2pixHD, equation 4), as SPADE weighs it.

    The sum over the features of each discriminator of their mean absolute difference, then the mean over
    discriminators. Real features are constants.

    Args:
        on_fake, on_real: of each discriminator its hidden features, its prediction not among them.
    """
    distances = [
        mean_absolute(fake, lax.stop_gradient(real))
        for fakes, reals in zip(on_fake, on_real, strict=True)
        for fake, real in zip(fakes, reals, strict=True)
    ]
    return sum(distances, jnp.zeros(())) / len(on_fake)


def perceptual(
    features: Callable[[jax.Array], Sequence[jax.Array]],
    fake: jax.Array,
    real: jax.Array,
    weights: Sequence[float],
) -> jax.Array:
    """Weighted mean absolute differences of a feature network's taps (Johnson et al. 2016; SPADE's GAN_VGG).

    Args:
        features: images [B, H, W, 3] in [-1, 1], as they are -> one array a tap.
        fake, real: images; the real ones are constants.
        weights: one a tap.
    """
    on_fake, on_real = features(fake), lax.stop_gradient(features(real))
    taps = zip(weights, on_fake, on_real, strict=True)
    return sum(weight * mean_absolute(f, r) for weight, f, r in taps if weight)


def domain_invariant_perceptual(
    features: Callable[[jax.Array], jax.Array], image: jax.Array, content_source: jax.Array
) -> jax.Array:
    """Mean squared difference of instance-normalised features (MUNIT, section 5.1).

    Their means and deviations are where domains differ, so that what is left compares a translation with its source.

    Args:
        features: images [B, H, W, 3] in [-1, 1] -> [B, h, w, C].
        image: translated images; content_source: what they were translated from.
    """
    normalized = [InstanceNorm().apply({}, features(x)) for x in (image, content_source)]
    return jnp.square(normalized[0] - normalized[1]).mean()
