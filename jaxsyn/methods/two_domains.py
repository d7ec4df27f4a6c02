"""What MUNIT and UNIT share: an auto-encoder and a discriminator for each of two domains."""

from abc import abstractmethod
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.errors import UserError
from jaxsyn.layers import initializer
from jaxsyn.losses.adversarial import discriminator_loss, generator_loss
from jaxsyn.losses.reconstruction import domain_invariant_perceptual
from jaxsyn.methods.base import Batch, Frozen, Method, Phase, Rules, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.networks.image_discriminator import MultiscaleImageDiscriminator, image_discriminator_names
from jaxsyn.networks.vgg import TORCH_RULES, VGG16, caffe_input

# A domain and the other one; batch["source"] is of domain a, batch["image"] of domain b.
DOMAINS = {"a": "b", "b": "a"}
# What `generate` can do: the domain of the content, and the domain that it is decoded in.
WAYS = {"forward": ("a", "b"), "backward": ("b", "a"), "source": ("a", "a"), "image": ("b", "b"), "cycle": ("a", "b")}
RELU5_3 = 29


class TwoDomains(Method):
    """Unpaired translation between domains a (batch["source"]) and b (batch["image"]) by encoders and decoders.

    `generator_a` encodes and decodes images of a, `discriminator_a` judges them; `generator_b` and `discriminator_b`
    likewise: the authors' gen_a and so on. These share no weights. First both discriminators learn, then both
    generators, from draws of their own. A term of the objective in a domain, NAME_a, is weighed by loss.weights.NAME.
    """

    @abstractmethod
    def generator(self) -> nn.Module:
        """The auto-encoder of one domain: `encode` gives the codes of an image that `decode` takes."""

    @abstractmethod
    def generator_names(self) -> Rules:
        """Renamings of an auto-encoder's parameters to those of the authors' PyTorch module."""

    @abstractmethod
    def translations(self, nets: Nets, batch: Batch, rng: jax.Array) -> dict[str, jax.Array]:
        """Domain -> the other one's images [B, H, W, C] of the batch translated to it, as in training."""

    @abstractmethod
    def generator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        """What both generators minimise."""

    @property
    def layer_options(self) -> dict[str, Any]:
        """How the auto-encoders are initialised, and what they compute in."""
        model = self.config.model
        return {"kernel_init": initializer(model.init, model.init_gain), "dtype": self.dtype}

    def discriminator(self) -> nn.Module:
        """The discriminator of one domain by `config.model.discriminator`."""
        model = self.config.model
        init = initializer(model.discriminator_init, model.discriminator_init_gain)
        return MultiscaleImageDiscriminator(**model.discriminator, kernel_init=init, dtype=self.dtype)

    def networks(self) -> dict[str, nn.Module]:
        networks = {f"generator_{domain}": self.generator() for domain in DOMAINS}
        return networks | {f"discriminator_{domain}": self.discriminator() for domain in DOMAINS}

    def frozen(self) -> dict[str, Frozen]:
        loss = self.config.loss
        if not loss.weights.perceptual:
            return {}
        remedy = (
            "loss.vgg_weights is not set: the perceptual loss needs Caffe's VGG-16 weights as PyTorch names them "
            "(vgg16-00b39a1b.pth, or the same as .safetensors or .npz). Set it to the file's path, or train without "
            "by --config.loss.weights.perceptual=0"
        )
        vgg = VGG16(taps=(RELU5_3,), pooled_blocks=3, dtype=self.dtype)
        return {"vgg": Frozen(vgg, loss.vgg_weights, remedy, TORCH_RULES, (1, 32, 32, 3))}

    def phases(self) -> tuple[Phase, ...]:
        discriminators, generators = (tuple(f"{kind}_{d}" for d in DOMAINS) for kind in ("discriminator", "generator"))
        return (
            Phase("discriminator", trains=discriminators, loss=self.discriminator_loss),
            Phase("generator", trains=generators, loss=self.generator_loss),
        )

    def discriminator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        loss, real, terms = self.config.loss, images_of(batch), {}
        for domain, fake in self.translations(nets, batch, rng).items():
            on_fake, on_real = (self.judge(nets, domain, images) for images in (fake, real[domain]))
            of_real, of_fake = discriminator_loss(on_real, on_fake, loss.adversarial)
            # Sums over the scales, not means.
            terms |= {f"real_{domain}": len(on_real) * of_real, f"fake_{domain}": len(on_fake) * of_fake}
        return loss.weights.adversarial * sum(terms.values()), terms

    def translation_terms(self, nets: Nets, batch: Batch, fake: dict[str, jax.Array]) -> Terms:
        """The generators' adversarial terms, and the perceptual ones where they have weight."""
        loss, real, terms = self.config.loss, images_of(batch), {}
        for domain, images in fake.items():
            logits = self.judge(nets, domain, images)
            terms[f"adversarial_{domain}"] = len(logits) * generator_loss(logits, loss.adversarial)
        if loss.weights.perceptual:
            for domain, images in fake.items():
                content_source = real[DOMAINS[domain]]
                terms[f"perceptual_{domain}"] = domain_invariant_perceptual(
                    lambda x: nets.vgg(caffe_input(x))[0], images, content_source
                )
        return terms

    def judge(self, nets: Nets, domain: str, images: jax.Array) -> list[jax.Array]:
        """The logits of a domain's discriminator, one array a scale."""
        return [layers[-1] for layers in getattr(nets, f"discriminator_{domain}")(images)]

    def encode(self, nets: Nets, domain: str, images: jax.Array) -> Any:
        """The codes of images [B, H, W, C] of a domain."""
        return getattr(nets, f"generator_{domain}")(images, method="encode")

    def decode(self, nets: Nets, domain: str, *codes: Any) -> list[jax.Array]:
        """Images [B, H, W, C] in a domain of each of several batches of codes, in one pass.

        The rows of an image stay neighbours, so that no image leaves its device where batches are sharded.
        """
        joined = jax.tree.map(lambda *arrays: jnp.stack(arrays, 1).reshape(-1, *arrays[0].shape[1:]), *codes)
        images = self.decode_joined(nets, domain, *joined)
        return [images[i :: len(codes)] for i in range(len(codes))]

    def decode_joined(self, nets: Nets, domain: str, *codes: jax.Array) -> jax.Array:
        """Images [B, H, W, C] in a domain of one batch of codes, the arguments of an auto-encoder's `decode`."""
        return getattr(nets, f"generator_{domain}")(*codes, method="decode")

    def checkpoint_names(self) -> dict[str, Rules]:
        model = self.config.model.discriminator
        rules = {"generator": self.generator_names()}
        rules["discriminator"] = image_discriminator_names(model.num_layers, model.norm)
        return {f"{kind}_{domain}": names for kind, names in rules.items() for domain in DOMAINS}


def images_of(batch: Batch) -> dict[str, jax.Array]:
    """Domain -> its images."""
    return {"a": batch["source"], "b": batch["image"]}


def way_domains(way: str) -> tuple[str, str]:
    """The domain of the content, and the one that it is decoded in.

    Raises:
        UserError: no such way.
    """
    if way not in WAYS:
        raise UserError(f"way = {way!r}: choose one of {', '.join(WAYS)}")
    return WAYS[way]
