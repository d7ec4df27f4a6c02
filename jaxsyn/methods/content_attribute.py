"""What the two forms of DRIT, of two and of several domains, share: content codes, attributes, and styles to choose."""

import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.layers import initializer
from jaxsyn.losses.variational import kl_divergence, reparameterize
from jaxsyn.methods.base import Method
from jaxsyn.methods.nets import Nets
from jaxsyn.networks.drit_attribute_encoder import DritAttributeEncoder
from jaxsyn.networks.drit_content_encoder import DritContentEncoder
from jaxsyn.networks.drit_discriminators import ContentDiscriminator
from jaxsyn.networks.drit_generator import DritGenerator


class Attribute(NamedTuple):
    """How its domain shows the content of an image; all [B, attribute_dim].

    Attributes:
        code: what the generator takes: a sample of the Gaussian below, or without one what the encoder says.
        mean: of the Gaussian, or the code again.
        log_variance: of the Gaussian; None without one.
    """

    code: jax.Array
    mean: jax.Array
    log_variance: jax.Array | None

    def prior_loss(self) -> jax.Array:
        """Its distance from N(0, 1): the KL divergence, summed over the batch too, or the mean square of the code."""
        if self.log_variance is None:
            return mean_square(self.code)
        return kl_divergence(self.mean, self.log_variance)


class ContentAttribute(Method):
    """Images as a content code, of a space that all domains share, and an attribute, of the space of one domain.

    `model.concat` says how the generator brings them together: by concatenation, for domains that differ little in
    shape, or by transforming features, for those that differ much.
    """

    @property
    def layer_options(self) -> dict[str, Any]:
        """How networks are initialised, and what they compute in."""
        model = self.config.model
        return {"kernel_init": initializer(model.init, model.init_gain), "dtype": self.dtype}

    def auto_encoder(self, branches: tuple[str, ...]) -> dict[str, nn.Module]:
        """Encoders and generator with a branch for each name."""
        model, options = self.config.model, {"branches": branches, **self.layer_options}
        shape = {"width": model.width, **options}
        attributes = {"concat": model.concat, "attribute_dim": model.attribute_dim}
        images = {"concat": model.concat, "two_scale": model.two_scale, "remat": self.config.remat}
        downs = model.num_downsamplings
        return {
            "content_encoder": DritContentEncoder(num_downsamplings=downs, remat=self.config.remat, **shape),
            "attribute_encoder": DritAttributeEncoder(**attributes, **shape),
            "generator": DritGenerator(num_ups=downs, **images, **options),
        }

    def content_discriminator(self, out_features: int) -> nn.Module:
        return ContentDiscriminator(out_features, **self.config.model.content_discriminator, **self.layer_options)

    def draw(self, rng: jax.Array, name: str, shape: tuple[int, ...]) -> jax.Array:
        """What a step draws from N(0, 1) under a name; the same in all phases that share `rng`."""
        return jax.random.normal(jax.random.fold_in(rng, zlib.crc32(name.encode())), shape)

    def noisy(self, content: jax.Array, rng: jax.Array, name: str) -> jax.Array:
        """A content code as training sees it: with noise from N(0, 1), which keeps its numbers from growing."""
        return content + self.draw(rng, name, content.shape).astype(content.dtype)

    def encode_attribute(
        self, nets: Nets, image: jax.Array, branch: str, rng: jax.Array, name: str, domain: jax.Array | None = None
    ) -> Attribute:
        """The attributes of images [B, H, W, C]; where they are Gaussians, `name` calls the draw of their samples."""
        found = nets.attribute_encoder(image, branch, domain)
        if not self.config.model.concat:
            return Attribute(found, found, None)
        mean, log_variance = found
        return Attribute(reparameterize(mean, log_variance, self.draw(rng, name, mean.shape)), mean, log_variance)

    def regressed_attribute(
        self, nets: Nets, image: jax.Array, branch: str, domain: jax.Array | None = None
    ) -> jax.Array:
        """What the encoder makes of the attribute of generated images: the mean, where it gives a Gaussian."""
        found = nets.attribute_encoder(image, branch, domain)
        return found[0] if self.config.model.concat else found

    def exemplar_encoder(
        self, nets: Nets, rng: jax.Array, branch: str, domain: jax.Array | None = None
    ) -> Callable[[str, jax.Array], jax.Array]:
        """What `choose_style` encodes exemplars with, as images of the domain of the result.

        Args:
            branch, domain: of the networks for that domain.
        """

        def encode(name: str, image: jax.Array) -> jax.Array:
            each = None if domain is None else domain[: image.shape[0]]
            return self.encode_attribute(nets, image, branch, rng, name, each).code

        return encode


def mean_square(x: jax.Array) -> jax.Array:
    """Mean of the squares, in float32."""
    return jnp.square(x.astype(jnp.float32)).mean()


def interleave(*arrays: jax.Array) -> jax.Array:
    """Batches [B, ...] as one, [n * B, ...], the rows of an index being neighbours.

    So no row leaves its device where batches are sharded.
    """
    return jnp.stack(arrays, axis=1).reshape(-1, *arrays[0].shape[1:])


def separate(array: jax.Array, count: int) -> Sequence[jax.Array]:
    """Undoes `interleave` of so many batches."""
    return [array[i::count] for i in range(count)]
