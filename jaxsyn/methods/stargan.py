"""StarGAN: one generator for many attributes or domains (Choi et al., CVPR 2018, arXiv 1711.09020)."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.errors import UserError
from jaxsyn.layers import initializer
from jaxsyn.losses.adversarial import discriminator_loss, generator_loss
from jaxsyn.losses.classification import attribute_loss, domain_loss
from jaxsyn.losses.gradient_penalty import wasserstein_penalty
from jaxsyn.losses.reconstruction import mean_absolute
from jaxsyn.methods.base import Batch, Method, Phase, Rules, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.methods.target_domains import target_domains
from jaxsyn.networks.stargan_discriminator import StarGanDiscriminator, stargan_discriminator_names
from jaxsyn.networks.stargan_generator import StarGanGenerator, stargan_generator_names


class LabelSet(NamedTuple):
    """One kind of labels, and what a batch calls the real images that have them.

    Attributes:
        kind: `attributes`, [B, size] of 0 and 1, several at once; or `domains`, [B] in 0 .. size - 1.
        first, size: their places among all labels.
    """

    kind: str
    image_key: str
    label_key: str
    first: int
    size: int


class StarGan(Method):
    """StarGAN (section 3), in the order and with the weights of the authors' code.

    What the labels are follows from the data: `data.attributes` (CelebA), `data.domains`, or both, for joint training
    on two sets (section 3.2). Then the generator's label vector holds attributes, domains and the mask that says which
    of them counts, the others being zero; and each step has its updates for the one set and then for the other.

    The discriminator learns in every step, the generator in the last of every `loss.num_critic`, from the same images
    and target labels. Targets are the batch's own labels in a random order, so that some images keep theirs.
    """

    def networks(self) -> dict[str, nn.Module]:
        model = self.config.model
        common = {"kernel_init": initializer(model.init, model.init_gain), "dtype": self.dtype}
        return {
            "generator": StarGanGenerator(**model.generator, remat=self.config.remat, **common),
            "discriminator": StarGanDiscriminator(self.num_labels, **model.discriminator, **common),
        }

    def phases(self) -> tuple[Phase, ...]:
        sets, critics = self.label_sets(), self.config.loss.num_critic
        phases = []
        for labels in sets:
            prefix = f"{labels.kind}_" if len(sets) > 1 else ""
            critic, generator = (partial(loss, labels) for loss in (self.discriminator_loss, self.generator_loss))
            phases += [
                Phase(f"{prefix}discriminator", ("discriminator",), critic),
                Phase(f"{prefix}generator", ("generator",), generator, every=critics, first=critics - 1),
            ]
        return tuple(phases)

    def label_sets(self) -> tuple[LabelSet, ...]:
        """The kinds of labels of the data, in the order of the generator's label vector.

        Raises:
            UserError: there are none.
        """
        data = self.config.data
        attributes, domains = len(data.attributes), len(data.domains)
        of_attributes = LabelSet("attributes", "source", "source_attributes", 0, attributes)
        if attributes and domains:
            return of_attributes, LabelSet("domains", "domain_image", "domain", attributes, domains)
        if attributes:
            return (of_attributes,)
        if domains:
            return (LabelSet("domains", "source", "source_domain", 0, domains),)
        raise UserError("StarGAN needs labels: set data.attributes, data.domains, or both for joint training")

    @property
    def num_labels(self) -> int:
        """Attributes and domains, which the discriminator classifies."""
        return sum(labels.size for labels in self.label_sets())

    def discriminator_loss(self, labels: LabelSet, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        real, label = batch[labels.image_key], batch[labels.label_key]
        order, alpha = self.draws(labels, rng, len(real))
        target = jnp.take(label, order, axis=0)
        nets.kept[f"{labels.kind}_target"] = target
        fake = jax.lax.stop_gradient(self.translate(nets, real, self.label_vector(labels, target)))
        on_real, on_fake = nets.discriminator(real), nets.discriminator(fake)
        of_real, of_fake = discriminator_loss([on_real.patches], [on_fake.patches], "wasserstein")
        terms = {
            "real": of_real,
            "fake": of_fake,
            "classification": self.classification(labels, on_real.labels, label),
            "gradient_penalty": wasserstein_penalty(lambda x: nets.discriminator(x).patches, real, fake, alpha),
        }
        return self.weigh(terms)

    def generator_loss(self, labels: LabelSet, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        real, label, target = batch[labels.image_key], batch[labels.label_key], nets.kept[f"{labels.kind}_target"]
        fake = self.translate(nets, real, self.label_vector(labels, target))
        on_fake = nets.discriminator(fake)
        terms = {
            "adversarial": generator_loss([on_fake.patches], "wasserstein"),
            "classification": self.classification(labels, on_fake.labels, target),
            "reconstruction": mean_absolute(self.translate(nets, fake, self.label_vector(labels, label)), real),
        }
        return self.weigh(terms)

    def draws(self, labels: LabelSet, rng: jax.Array, count: int) -> tuple[jax.Array, jax.Array]:
        """What a step draws for a set: the order of target labels [B], and alpha [B] of the gradient penalty."""
        of_order, of_alpha = jax.random.split(rng)
        return jax.random.permutation(of_order, count), jax.random.uniform(of_alpha, (count,))

    def classification(self, labels: LabelSet, logits: jax.Array, label: jax.Array) -> jax.Array:
        """Loss of logits [B, num_labels] against labels of one set, whose own logits alone count."""
        logits = logits[:, labels.first : labels.first + labels.size]
        return (attribute_loss if labels.kind == "attributes" else domain_loss)(logits, label)

    def label_vector(self, labels: LabelSet, label: jax.Array) -> jax.Array:
        """What the generator is told, float32 [B, c]: of two sets the labels, the unknown ones zero, and the mask."""
        vector = label.astype(jnp.float32) if labels.kind == "attributes" else jax.nn.one_hot(label, labels.size)
        sets = self.label_sets()
        if len(sets) == 1:
            return vector
        after = self.num_labels - labels.first - labels.size
        padded = jnp.pad(vector, ((0, 0), (labels.first, after)))
        mask = jax.nn.one_hot(sets.index(labels), len(sets))
        return jnp.concatenate([padded, jnp.broadcast_to(mask, (label.shape[0], len(sets)))], axis=1)

    def translate(self, nets: Nets, image: jax.Array, vector: jax.Array) -> jax.Array:
        """Images [B, H, W, 3] with the labels of a vector [B, c]."""
        return nets.generator(image, vector)

    def generate(
        self,
        nets: Nets,
        batch: Batch,
        rng: jax.Array,
        *,
        domain: int | str | jax.Array | None = None,
        attributes: jax.Array | None = None,
        change: Sequence[str] = (),
    ) -> jax.Array:
        """Translations of batch["source"]; `rng` draws nothing.

        Without any control the targets are the batch's: batch["attributes"] where the data has attributes, else
        batch["domain"].

        Args:
            domain: the target of all images, by number or name, or of each, [B].
            attributes: all of the target's attributes, 0 or 1, [c] or [B, c].
            change: names of attributes of the source to change, one after the other, by `changed`.

        Raises:
            UserError: several controls, one of labels that the data does not have, or one of another shape.
        """
        labels, target = self.target(batch, domain, attributes, change)
        return self.translate(nets, batch["source"], self.label_vector(labels, target))

    def target(
        self, batch: Batch, domain: int | str | jax.Array | None, attributes: jax.Array | None, change: Sequence[str]
    ) -> tuple[LabelSet, jax.Array]:
        """The kind and the labels, [B] or [B, c], that the controls of `generate` ask for; raises as it does."""
        data, count = self.config.data, batch["source"].shape[0]
        controls = {"domain": domain is not None, "attributes": attributes is not None, "change": bool(change)}
        given = [name for name, is_given in controls.items() if is_given]
        if len(given) > 1:
            raise UserError(f"{' and '.join(given)} each say what the target is: give one of them")
        asked = given[0] if given else "attributes" if data.attributes else "domain"
        kind = "domains" if asked == "domain" else "attributes"
        sets = {labels.kind: labels for labels in self.label_sets()}
        if kind not in sets:
            raise UserError(f"{asked}: this model knows no {kind}, train it with data.{kind}")
        labels = sets[kind]
        if not given:
            return labels, batch[asked]
        if asked == "domain":
            return labels, target_domains(domain, tuple(data.domains), count)
        if asked == "attributes":
            return labels, _of_each(attributes, (count, labels.size))
        target = batch["source_attributes"]
        for name in change:
            target = self.changed(target, name)
        return labels, target

    def changed(self, attributes: jax.Array, name: str) -> jax.Array:
        """Attributes [B, c] of the authors' test for one attribute: the other way round, or of a hair colour, only it.

        Raises:
            UserError: no such attribute.
        """
        names = tuple(self.config.data.attributes)
        if name not in names:
            raise UserError(f"change: {name!r} is no attribute of this model; choose from {', '.join(names)}")
        exclusive = self.config.model.exclusive_attributes
        chosen = jnp.asarray([other == name for other in names])
        if name not in exclusive:
            return jnp.where(chosen, 1 - attributes, attributes)
        taken_away = jnp.asarray([other in exclusive for other in names])
        return jnp.where(chosen, 1, jnp.where(taken_away, 0, attributes))

    def translations(self) -> dict[str, dict[str, Any]]:
        """The authors' test: name -> controls of `generate`, for a change of each attribute and for each domain."""
        of_attributes = {name: {"change": (name,)} for name in self.config.data.attributes}
        return of_attributes | {name: {"domain": i} for i, name in enumerate(self.config.data.domains)}

    def checkpoint_names(self) -> dict[str, Rules]:
        model = self.config.model
        return {
            "generator": stargan_generator_names(model.generator.num_downsamplings, model.generator.num_blocks),
            "discriminator": stargan_discriminator_names(model.discriminator.num_layers),
        }


def _of_each(attributes: Any, shape: tuple[int, int]) -> jax.Array:
    """Attributes of each image [B, c], from those or from one vector for all."""
    attributes = jnp.asarray(attributes)
    if attributes.shape not in (shape, shape[1:]):
        raise UserError(
            f"attributes has shape {attributes.shape}; it should be {shape[1:]}, for all images, or {shape}"
        )
    return jnp.broadcast_to(attributes, shape)
