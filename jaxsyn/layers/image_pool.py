"""A history of generated images, as functional state."""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax

from jaxsyn.errors import UserError


class ImagePool(nn.Module):
    """The pool of generated images that discriminators learn from (Shrivastava et al., CVPR 2017; CycleGAN, section 4).

    Has no parameters; its collection "pool" holds `images` [size, H, W, C] and their `count`. While the pool is not
    full every image is stored and returned. Later half of the images, by their draw, are exchanged for a stored one,
    and the others returned and forgotten. Images are treated one by one in the order of the batch, so that one of a
    batch may return one that came before it. Where the collection is not mutable, nothing is stored.

    Attributes:
        size: images that it holds; 0 returns every image as it is.
    """

    size: int = 50

    @nn.compact
    def __call__(self, images: jax.Array, uniform: jax.Array, index: jax.Array) -> jax.Array:
        """
        Args:
            images: [B, H, W, C] generated images.
            uniform: [B] draws in [0, 1]; one above 0.5 asks for a stored image.
            index: int32 [B], 0 .. size - 1: which one.

        Returns:
            [B, H, W, C] images, without gradient.

        Raises:
            UserError: a negative size.
        """
        if self.size < 0:
            raise UserError(f"an image pool of size {self.size}: set 0 for none, or how many images it holds")
        images = lax.stop_gradient(images)
        if self.size == 0:
            return images
        stored = self.variable("pool", "images", jnp.zeros, (self.size, *images.shape[1:]), images.dtype)
        count = self.variable("pool", "count", jnp.zeros, (), jnp.int32)

        def query(
            carry: tuple[jax.Array, jax.Array], inputs: tuple[jax.Array, jax.Array, jax.Array]
        ) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
            pool, count = carry
            image, uniform, index = inputs
            full = count == self.size
            exchanged = full & (uniform > 0.5)
            slot = jnp.where(full, index, count)
            returned = jnp.where(exchanged, pool[slot], image)
            pool = pool.at[slot].set(jnp.where(full & ~exchanged, pool[slot], image))
            return (pool, count + ~full), returned

        (pool, filled), returned = lax.scan(query, (stored.value, count.value), (images, uniform, index))
        if self.is_mutable_collection("pool") and not self.is_initializing():
            stored.value, count.value = pool, filled
        return returned
