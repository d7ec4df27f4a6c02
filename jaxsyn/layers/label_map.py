"""Label maps as integers: what a network conditioned on semantics reads."""

import flax.struct
import jax
import jax.numpy as jnp

from jaxsyn.layers.neighbourhoods import Neighbourhoods
from jaxsyn.layers.resize import average_pool, pool_counts, resize_nearest
from jaxsyn.layers.windows import windows


@flax.struct.dataclass
class LabelMap:
    """A label map with the dense channels that stand beside its classes.

    It means the dense map `concat(noise, one_hot(ids, num_classes), extra)`, without making it: ids stay integers from
    disk to the last layer. An id outside [0, num_classes) means a pixel with no class: its class channels are zero.

    Attributes:
        ids: [B, H, W] int32 class ids; or [B, H, W, num_classes] float, a soft map.
        extra: [B, H, W, E] channels after the classes (an instance edge map, say), or None: float, or bool where they
            are 0 or 1.
        num_classes: number of classes, the unknown class included where there is one.
        noise: float channels before the classes, or None: [B, D], the same at every pixel, or [B, H, W, D].
        neighbourhoods: the distinct ones of the map, where somebody has found them (`with_neighbourhoods`), or None.
    """

    ids: jax.Array
    extra: jax.Array | None = None
    num_classes: int = flax.struct.field(pytree_node=False, default=0)
    noise: jax.Array | None = None
    neighbourhoods: Neighbourhoods | None = None

    @property
    def is_dense(self) -> bool:
        """Whether `ids` is a soft map."""
        return jnp.issubdtype(self.ids.dtype, jnp.floating)

    @property
    def channels(self) -> int:
        """Channels of the dense map that this stands for."""
        return self.noise_channels + self.num_classes + (0 if self.extra is None else self.extra.shape[-1])

    @property
    def noise_channels(self) -> int:
        """Channels before the classes."""
        return 0 if self.noise is None else self.noise.shape[-1]

    @property
    def noise_varies(self) -> bool:
        """Whether the noise is a map, and not one vector an image."""
        return self.noise is not None and self.noise.ndim == 4

    def resize(self, height: int, width: int) -> "LabelMap":
        """The map at another size, by nearest neighbour with torch's rule, as SPADE's layers see it."""
        if self.ids.shape[1:3] == (height, width):
            return self
        extra = None if self.extra is None else resize_nearest(self.extra, height, width)
        noise = resize_nearest(self.noise, height, width) if self.noise_varies else self.noise
        ids = resize_nearest(self.ids, height, width)
        return LabelMap(ids, extra, self.num_classes, noise)

    def average_pool(self) -> "LabelMap":
        """The soft map at half the size, as the coarser discriminators of a pyramid see it."""
        extra = None if self.extra is None else average_pool(self.extra)
        noise = average_pool(self.noise) if self.noise_varies else self.noise
        if self.is_dense:
            return LabelMap(average_pool(self.ids), extra, self.num_classes, noise)
        # Straight from the ids: the one-hot map of the full size would be the largest array of the step.
        padded = jnp.pad(self.ids, ((0, 0), (1, 1), (1, 1)), constant_values=-1)
        total = sum(jax.nn.one_hot(tap, self.num_classes) for tap in windows(padded, size=3, stride=2))
        return LabelMap(total / pool_counts(*self.ids.shape[1:]), extra, self.num_classes, noise)

    def dense(self, dtype: jnp.dtype = jnp.float32) -> jax.Array:
        """The dense map [B, H, W, channels]; for what cannot work on integers."""
        classes = self.ids.astype(dtype) if self.is_dense else jax.nn.one_hot(self.ids, self.num_classes, dtype=dtype)
        noise = self.noise
        if noise is not None and not self.noise_varies:
            noise = jnp.broadcast_to(noise[:, None, None], (*classes.shape[:3], noise.shape[-1]))
        parts = [part.astype(dtype) for part in (noise, classes, self.extra) if part is not None]
        return jnp.concatenate(parts, axis=-1)


def instance_edges(instance: jax.Array) -> jax.Array:
    """Boundaries between instances: 1 where a pixel's id differs from its left, right, upper or lower neighbour's.

    Both sides of a boundary are marked; the image's border is none (pix2pixHD, section 3.3).

    Args:
        instance: [B, H, W] integers.

    Returns:
        [B, H, W, 1] float32, 0 or 1.
    """
    across = instance[:, :, 1:] != instance[:, :, :-1]
    down = instance[:, 1:, :] != instance[:, :-1, :]
    edges = jnp.pad(across, ((0, 0), (0, 0), (1, 0))) | jnp.pad(across, ((0, 0), (0, 0), (0, 1)))
    edges |= jnp.pad(down, ((0, 0), (1, 0), (0, 0))) | jnp.pad(down, ((0, 0), (0, 1), (0, 0)))
    return edges[..., None].astype(jnp.float32)
