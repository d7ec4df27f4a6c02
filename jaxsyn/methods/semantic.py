"""The objective of semantic image synthesis in SPADE's line: what its methods share, whatever their networks."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from ml_collections import ConfigDict

from jaxsyn.errors import UserError
from jaxsyn.layers import LabelMap, initializer, instance_edges
from jaxsyn.losses.adversarial import discriminator_loss, generator_loss
from jaxsyn.losses.reconstruction import feature_matching, perceptual
from jaxsyn.methods.base import Batch, Frozen, Method, Phase, Rules, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.networks.patch_discriminator import MultiscaleDiscriminator
from jaxsyn.networks.vgg import TORCH_RULES, VGG19


class Judgement(NamedTuple):
    """What the discriminator says of a batch of images.

    Attributes:
        logits: one array a scale.
        features: of each of its parts, the hidden features that feature matching compares.
    """

    logits: Sequence[jax.Array]
    features: Sequence[Sequence[jax.Array]]


class SemanticSynthesis(Method):
    """Label maps to images: generator (and encoder), then discriminator, each on a generated image of its own.

    Adversarial, feature matching and perceptual terms of pix2pixHD, as SPADE weighs them (section 4), and whatever
    terms `encode` adds. A method gives its networks and says how a style is taken and an image made.
    """

    @abstractmethod
    def encode(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[Any, Terms]:
        """What the generator takes beside the batch in training (None: nothing), and the loss terms of taking it."""

    @abstractmethod
    def synthesize(self, nets: Nets, batch: Batch, style: Any, rng: jax.Array) -> jax.Array:
        """The generator's images [B, H, W, 3] of the batch's label maps, in the style that `encode` gave."""

    @property
    def layer_options(self) -> dict[str, Any]:
        """How every network of the method is initialised, and what it computes in."""
        model = self.config.model
        return {"kernel_init": initializer(model.init, model.init_gain), "dtype": self.dtype}

    @property
    def max_instances(self) -> int:
        """How many instances an image may have, I, for methods that keep something for each.

        Raises:
            UserError: the config does not say.
        """
        if self.config.data.max_instances is None:
            raise UserError(
                f"data.max_instances is not set: {self.config.method} keeps something for each instance; set 64, say"
            )
        return self.config.data.max_instances

    def discriminator(self) -> nn.Module:
        """SPADE's discriminator by `config.model.discriminator`."""
        return MultiscaleDiscriminator(**self.config.model.discriminator, **self.layer_options)

    def frozen(self) -> dict[str, Frozen]:
        return frozen_vgg(self.config.loss, self.dtype)

    def phases(self) -> tuple[Phase, ...]:
        trained = tuple(name for name in self.networks() if name != "discriminator")
        every = self.config.optimizer.discriminator_steps
        return (
            Phase("generator", trains=trained, loss=self.generator_loss, every=every),
            Phase("discriminator", trains=("discriminator",), loss=self.discriminator_loss),
        )

    def generator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        fake, terms = self._fake(nets, batch, rng)
        on_fake, on_real = self.discriminate(nets, batch, fake)
        loss = self.config.loss
        terms = {"adversarial": generator_loss(on_fake.logits, loss.adversarial), **terms}
        if loss.weights.feature_matching:
            terms["feature_matching"] = feature_matching(on_fake.features, on_real.features)
        if loss.weights.perceptual:
            terms["perceptual"] = perceptual(nets.vgg, fake, batch["image"], loss.vgg_layer_weights)
        return self.weigh(terms)

    def discriminator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        fake = lax.stop_gradient(self._fake(nets, batch, rng)[0])
        on_fake, on_real = self.discriminate(nets, batch, fake)
        real, fake = discriminator_loss(on_real.logits, on_fake.logits, self.config.loss.adversarial)
        return real + fake, {"real": real, "fake": fake}

    def _fake(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        to_encode, to_synthesize = jax.random.split(rng)
        style, terms = self.encode(nets, batch, to_encode)
        return self.synthesize(nets, batch, style, to_synthesize), terms

    def label_map(self, batch: Batch) -> LabelMap:
        """The label map, with instance edges where the config asks for them."""
        edges = instance_edges(batch["instance"]) > 0 if self.config.data.use_instance else None
        return LabelMap(batch["label"], edges, self.num_classes)

    def discriminate(self, nets: Nets, batch: Batch, fake: jax.Array) -> tuple[Judgement, Judgement]:
        """The discriminator on generated and on real images, in one pass with one set of weights."""
        judged = nets.discriminator(self.label_map(batch), (fake, batch["image"]))
        on_fake, on_real = (Judgement([f[-1] for f in scales], [f[:-1] for f in scales]) for scales in judged)
        return on_fake, on_real

    def discriminator_names(self) -> Rules:
        """Renamings of the multi-scale discriminator's parameters to those of SPADE's PyTorch module."""
        model = self.config.model.discriminator
        # A sequence of convolution and norm takes one more level of names; so does each group of layers.
        inner = ".0" if model.norm != "none" else ""
        return (
            (rf"\.conv_(0|{model.num_layers})\.", r".model\1.0."),
            (r"\.conv_(\d+)\.", rf".model\1.0{inner}."),
            (r"\.norm_(\d+)\.", r".model\1.0.1."),
        )


def frozen_vgg(loss: ConfigDict, dtype: jnp.dtype) -> dict[str, Frozen]:
    """VGG-19 as "vgg" where `loss.weights.perceptual` asks for it, with the weights of `loss.vgg_weights`."""
    if not loss.weights.perceptual:
        return {}
    remedy = (
        "loss.vgg_weights is not set: the perceptual loss needs torchvision's VGG-19 weights "
        "(vgg19-dcbb9e9d.pth, or the same as .safetensors or .npz). Set it to the file's path, or train "
        "without by --config.loss.weights.perceptual=0, which costs texture and sharpness"
    )
    return {"vgg": Frozen(VGG19(dtype=dtype), loss.vgg_weights, remedy, TORCH_RULES, (1, 32, 32, 3))}
