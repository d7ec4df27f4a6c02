"""Masks of a face's outline and features from heat maps of its landmarks."""

import jax
import jax.numpy as jnp
import numpy as np

NUM_LANDMARKS = 98  # of the WFLW annotation (Wu et al., CVPR 2018)
SIZE = 256

CHIN, EYEBROWS, LIPS = slice(8, 25), slice(33, 51), slice(76, 96)
NOSE, EYES = slice(52, 55), slice(60, 76)
# Part -> rows by which its maps move down (a negative number: up), and the power that narrows them.
PARTS = (
    (CHIN, 0, 3),
    (EYEBROWS, 7, 2),
    (slice(55, 60), -8, 4),  # nostrils
    (slice(77, 82), 8, 4),  # upper lip
    (slice(83, 88), -8, 4),  # lower lip
    (slice(88, 96), 2, 3),  # inner lips
)
# The cheeks beside the chin, and the corners of eyebrows and mouth.
LEFT_OUT = np.array([*range(8), *range(25, 33), 33, 46, 76, 82])
FAINT = 0.1


def landmark_masks(heatmaps: jax.Array) -> jax.Array:
    """The two masks by which StarGAN v2 keeps a face's shape (Choi et al., CVPR 2020, appendix A; the authors' code).

    Heat maps are cut off below 0.1 and stretched to [0, 1]; then parts of the face are moved, narrowed by a power and
    added up. The numbers of rows are those of maps of 256 pixels. What moves over a border comes in at the other one.

    Args:
        heatmaps: [B, 256, 256, 98].

    Returns:
        [B, 256, 256, 2] in [0, 1]: everything; and everything but chin, eyebrows and lips.
    """
    x = jnp.where(heatmaps < FAINT, 0, heatmaps)
    low, high = x.min((1, 2), keepdims=True), x.max((1, 2), keepdims=True)
    x = (x - low) / (high - low + 1e-6)
    for part, rows, power in PARTS:
        x = x.at[..., part].set(jnp.roll(x[..., part], rows, axis=1) ** power)
    x = x.at[..., LEFT_OUT].set(0)
    x = x.at[..., NOSE].set(jnp.roll(x[..., NOSE], -4, axis=1))
    eyes = x[..., EYES]
    x = x.at[..., EYES].set(jnp.roll(eyes, 8, axis=1) ** 3 + jnp.roll(eyes, 24, axis=1))
    inner = np.ones(NUM_LANDMARKS, np.float32)
    for part in (CHIN, EYEBROWS, LIPS):
        inner[part] = 0
    weights = np.stack([np.ones_like(inner), inner], axis=-1)
    # A sum, not a product on the matrix unit, which would round the maps on some devices.
    return jnp.clip(jnp.stack([(x * weights[:, i]).sum(-1) for i in range(2)], axis=-1), 0, 1)


def enlarge_heatmaps(heatmaps: jax.Array, size: int = SIZE) -> jax.Array:
    """Bilinear with aligned corners (torch's `align_corners=True`): [B, H, W, C] -> [B, size, size, C]."""
    rows, columns = (_aligned(length, size) for length in heatmaps.shape[1:3])
    product = jnp.einsum("bhwc,yh->bywc", heatmaps, rows, precision="highest")
    return jnp.einsum("bywc,xw->byxc", product, columns, precision="highest")


def _aligned(length: int, size: int) -> np.ndarray:
    """Weights [size, length] of an interpolation whose first and last points lie on the first and last pixels."""
    positions = np.arange(size) * (length - 1) / (size - 1)
    return np.maximum(1 - np.abs(positions[:, None] - np.arange(length)), 0).astype(np.float32)
