"""Each class of an image by itself, enlarged to the whole frame."""

import jax
import jax.numpy as jnp


def class_crops(image: jax.Array, ids: jax.Array, num_classes: int) -> jax.Array:
    """Cuts every class out of an image and enlarges its bounding box to the image's size, by nearest neighbour.

    As SMIS's encoder reads images (Zhu et al., CVPR 2020, section 3.2, and the authors' code, which finds the box by
    the pixels' values: rows and columns at its ends that sum to exactly zero are cut off too).

    Args:
        image: [B, H, W, C].
        ids: [B, H, W].

    Returns:
        [B, H, W, num_classes, C]: zero outside of a class's pixels, and everywhere for an absent class.
    """

    def crop(image: jax.Array, ids: jax.Array, k: jax.Array) -> jax.Array:
        values = jnp.where(ids == k, image.sum(-1, dtype=jnp.float32), 0)
        rows, columns = _box(values.sum(1) != 0), _box(values.sum(0) != 0)
        pixels, inside = (array[rows][:, columns] for array in (image, ids == k))
        empty = (values.sum(0) == 0).all()
        return jnp.where(inside[..., None] & ~empty, pixels, 0)

    over_classes = jax.vmap(crop, in_axes=(None, None, 0), out_axes=2)
    return jax.vmap(over_classes, in_axes=(0, 0, None))(image, ids, jnp.arange(num_classes))


def _box(occupied: jax.Array) -> jax.Array:
    """Source index of each place when the span from the first to the last occupied one is stretched over all."""
    size = len(occupied)
    first, last = jnp.argmax(occupied), size - 1 - jnp.argmax(occupied[::-1])
    length = last - first + 1
    # float32, as in torch's nearest neighbour: it decides to which side some indices round.
    scale = length.astype(jnp.float32) / jnp.float32(size)
    offset = jnp.floor(jnp.arange(size, dtype=jnp.float32) * scale).astype(jnp.int32)
    return first + jnp.minimum(offset, length - 1)
