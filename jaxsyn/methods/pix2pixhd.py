"""pix2pixHD: large images from label maps, coarse to fine (Wang et al., CVPR 2018, arXiv 1711.11585)."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.errors import UserError
from jaxsyn.layers import (
    LabelMap,
    instance_areas,
    instance_edges,
    instance_means,
    paint_instances,
    resize_bilinear,
    resize_nearest,
)
from jaxsyn.losses.adversarial import discriminator_loss, generator_loss
from jaxsyn.losses.reconstruction import feature_matching, perceptual
from jaxsyn.methods.base import Batch, Phase, Rules, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.methods.semantic import Judgement, SemanticSynthesis
from jaxsyn.networks.global_generator import GlobalGenerator, global_names
from jaxsyn.networks.local_enhancer import LocalEnhancer, local_names
from jaxsyn.networks.patch_discriminator import MultiscaleDiscriminator

STAGES = ("global_generator", "enhancer_fixed", "joint")
REGIONS = ("instance", "class")
# In `cluster_choice`: draw a cluster, or keep the style that the region has without.
DRAW, KEEP = -1, -2


class Pix2pixHd(SemanticSynthesis):
    """pix2pixHD (section 3), in the order and with the weights of the authors' code.

    `config.stage` says what is trained: `global_generator` that alone; `enhancer_fixed` the finest local enhancer
    around it, the rest of the generator staying as it is; `joint` all of the generator. The discriminator learns
    after the generator, from the images that the generator made before its own update; its loss is halved.

    With `model.use_style` an encoder gives each region of an image (an instance, or a class) a style of a few numbers,
    learned through the generator alone (section 3.4). The paper describes an option to load its maps from files; here
    `model.train_encoder=False` takes them from the encoder of the stage before, on images of that stage's size.

    With `data.pairing` the pictures batch["source"] are translated instead of label maps (the authors' `label_nc=0`).
    Biases start at zero (the authors' at torch's uniform draw). The pool of earlier images, off in every recipe of
    theirs, is left out.
    """

    def networks(self) -> dict[str, nn.Module]:
        model = self.config.model
        networks = {"generator": self.generator(), "discriminator": self.discriminator()}
        if model.use_style:
            networks["encoder"] = GlobalGenerator(
                num_blocks=0, out_channels=model.style_channels, **model.encoder, **self.layer_options
            )
        return networks

    def generator(self) -> nn.Module:
        """The generator of `config.stage`.

        Raises:
            UserError: no such stage.
        """
        model, stage = self.config.model, self.config.stage
        if stage not in STAGES:
            raise UserError(f"stage = {stage!r} is not known; choose one of {', '.join(STAGES)}")
        options = {**model.generator, "remat": self.config.remat, **self.layer_options}
        if stage == "global_generator":
            return GlobalGenerator(**options)
        return LocalEnhancer(**options, **model.enhancer, fixed=stage == "enhancer_fixed")

    def discriminator(self) -> nn.Module:
        options = {"spectral": False, "bias": True, "coarse_first": True, **self.layer_options}
        return MultiscaleDiscriminator(**self.config.model.discriminator, **options)

    def phases(self) -> tuple[Phase, ...]:
        model = self.config.model
        trained = ("generator", "encoder") if model.use_style and model.train_encoder else ("generator",)
        return (
            Phase("generator", trains=trained, loss=self.generator_loss),
            Phase("discriminator", trains=("discriminator",), loss=self.discriminator_loss),
        )

    def generator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        style, _ = self.encode(nets, batch, rng)
        fake = nets.kept["fake"] = self.synthesize(nets, batch, style, rng)
        on_fake, on_real = self.discriminate(nets, batch, fake)
        loss, scales = self.config.loss, len(on_fake.logits)
        # Sums over the scales, not means.
        terms = {"adversarial": scales * generator_loss(on_fake.logits, loss.adversarial)}
        if loss.weights.feature_matching:
            share = 4 / len(on_fake.features[0])
            terms["feature_matching"] = share * feature_matching(on_fake.features, on_real.features)
        if loss.weights.perceptual:
            terms["perceptual"] = perceptual(nets.vgg, fake, batch["image"], loss.vgg_layer_weights)
        return self.weigh(terms)

    def discriminator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        on_fake, on_real = self.discriminate(nets, batch, nets.kept["fake"])
        scales = len(on_fake.logits)
        losses = discriminator_loss(on_real.logits, on_fake.logits, self.config.loss.adversarial)
        real, fake = (scales * loss for loss in losses)
        return (real + fake) / 2, {"real": real, "fake": fake}

    def discriminate(self, nets: Nets, batch: Batch, fake: jax.Array) -> tuple[Judgement, Judgement]:
        """The discriminator on generated and on real images, in a pass each: batch statistics are theirs alone."""
        label = self.label_map(batch)
        judged = [nets.discriminator(label, (image,))[0] for image in (fake, batch["image"])]
        on_fake, on_real = (Judgement([f[-1] for f in scales], [f[:-1] for f in scales]) for scales in judged)
        return on_fake, on_real

    def label_map(self, batch: Batch) -> LabelMap:
        """The label map, or the picture that is translated, with instance edges where the config asks for them."""
        edges = instance_edges(batch["instance"]) if self.config.data.use_instance else None
        if self.config.data.pairing:
            return LabelMap(batch["source"], edges, batch["source"].shape[-1])
        return LabelMap(batch["label"], edges, self.num_classes)

    def regions(self, batch: Batch) -> tuple[jax.Array, int]:
        """What has a style of its own: region numbers [B, H, W], and how many of them there may be, R.

        Raises:
            UserError: the config does not say what the regions are, or how many.
        """
        kind = self.config.model.style_regions
        if kind not in REGIONS:
            raise UserError(f"model.style_regions = {kind!r} is not known; choose one of {', '.join(REGIONS)}")
        if kind == "class":
            return batch["label"], self.num_classes
        return batch["instance"], self.max_instances

    def region_classes(self, batch: Batch) -> jax.Array:
        """The class of each region, int32 [B, R]; -1 where an image has no such region."""
        numbers, count = self.regions(batch)
        classes = jnp.full((numbers.shape[0], count), -1, jnp.int32)
        return classes.at[jnp.arange(numbers.shape[0])[:, None, None], numbers].max(batch["label"])

    def region_areas(self, batch: Batch) -> jax.Array:
        """Pixels of each region, float32 [B, R]."""
        return instance_areas(*self.regions(batch))

    def encode(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array | None, Terms]:
        """The styles [B, R, F] of the regions of the batch's images; None in the form without styles."""
        if not self.config.model.use_style:
            return None, {}
        return self.region_styles(nets, batch["image"], *self.regions(batch)), {}

    def region_styles(self, nets: Nets, image: jax.Array, numbers: jax.Array, count: int) -> jax.Array:
        """Styles [B, R, F], values in (-1, 1), of the regions [B, H, W] of images [B, H, W, 3]; zero: no such region.

        They are means of the encoder's map over the region (instance-wise average pooling).
        """
        if self.config.stage != "global_generator" and not self.config.model.train_encoder:
            factor = 2**self.config.model.enhancer.num_enhancers
            size = image.shape[1] // factor, image.shape[2] // factor
            image, numbers = resize_bilinear(image, *size), resize_nearest(numbers, *size)
        return instance_means(nets.encoder(LabelMap(image, None, image.shape[-1])), numbers, count)

    def synthesize(self, nets: Nets, batch: Batch, style: jax.Array | None, rng: jax.Array) -> jax.Array:
        label = self.label_map(batch)
        if style is not None:
            painted = paint_instances(self.regions(batch)[0], style)
            extra = painted if label.extra is None else jnp.concatenate([label.extra, painted], axis=-1)
            label = label.replace(extra=extra)
        return nets.generator(label)

    def generate(
        self,
        nets: Nets,
        batch: Batch,
        rng: jax.Array,
        *,
        instance_classes: jax.Array | None = None,
        style: jax.Array | None = None,
        style_image: jax.Array | None = None,
        style_regions: jax.Array | None = None,
        clusters: jax.Array | None = None,
        cluster_counts: jax.Array | None = None,
        cluster_choice: jax.Array | None = None,
    ) -> jax.Array:
        """Images of the batch's label maps; with no control, in the styles of the batch's own images.

        Labels are edited in the batch, or instance by instance; styles region by region: give all of them as `style`,
        or choose clusters for some.

        Args:
            instance_classes: int [B, I], the class that each instance becomes; -1: it stays what it is.
            style: [B, R, F], as `region_styles` gives them.
            style_image: [B, H, W, 3] images in [-1, 1] whose regions' styles to take instead, with
            style_regions: [B, H, W], their region numbers; by default the batch's.
            clusters: [K, C, F] typical styles of each class, with
            cluster_counts: int [K], how many of the C each has (`python -m jaxsyn.evaluation.feature_clusters` makes
                both). Every region takes one of its class, drawn uniformly by `rng`. A class that has none gets style
                zero; the authors' code leaves it undefined.
            cluster_choice: int [B, R], the cluster that each region takes; -1 (`DRAW`): a draw; -2 (`KEEP`): none, it
                keeps the style that it has without clusters.

        Raises:
            UserError: controls that contradict each other, lack their partner, or have another shape.
        """
        if instance_classes is not None:
            batch = self._edited(batch, instance_classes)
        controls = (style, style_image, clusters)
        if not self.config.model.use_style:
            if any(control is not None for control in controls):
                raise UserError("this model has no styles: train it with --config.model.use_style=True")
            return self.synthesize(nets, batch, None, rng)
        if style is not None and style_image is not None:
            raise UserError("style and style_image both say what style to take: give one of them")
        if style_image is None and style_regions is not None:
            raise UserError("style_regions are those of a style_image: give it too")
        if (clusters is None) != (cluster_counts is None) or (clusters is None and cluster_choice is not None):
            raise UserError("clusters, cluster_counts (and cluster_choice) go together: give both of the file's arrays")

        numbers, count = self.regions(batch)
        shape = (numbers.shape[0], count, self.config.model.style_channels)
        _check_shape("style", style, shape)
        _check_shape("cluster_choice", cluster_choice, shape[:2])
        if clusters is not None:
            _check_shape("clusters", clusters, (self.num_classes, jnp.shape(clusters)[1], shape[2]))
            _check_shape("cluster_counts", cluster_counts, (self.num_classes,))
        if style_image is not None:
            style_regions = numbers if style_regions is None else style_regions
            style = self.region_styles(nets, style_image, style_regions, count)
        elif style is None and (clusters is None or cluster_choice is not None):
            if "image" not in batch:
                raise UserError("the batch has no image to take styles of: give style, style_image or clusters")
            style = self.region_styles(nets, batch["image"], numbers, count)
        if clusters is not None:
            style = self.clustered_styles(batch, rng, clusters, cluster_counts, cluster_choice, style)
        return self.synthesize(nets, batch, style, rng)

    def _edited(self, batch: Batch, instance_classes: jax.Array) -> Batch:
        """The batch with other classes for some instances."""
        _check_shape("instance_classes", instance_classes, (batch["label"].shape[0], self.max_instances))
        flat = batch["instance"].reshape(batch["instance"].shape[0], -1)
        painted = jnp.take_along_axis(jnp.asarray(instance_classes), flat, axis=1).reshape(batch["label"].shape)
        return {**batch, "label": jnp.where(painted < 0, batch["label"], painted)}

    def clustered_styles(
        self,
        batch: Batch,
        rng: jax.Array,
        clusters: jax.Array,
        counts: jax.Array,
        choice: jax.Array | None,
        style: jax.Array | None,
    ) -> jax.Array:
        """Styles [B, R, F] by clusters; arguments as of `generate`, with the style that is kept."""
        classes = jnp.maximum(self.region_classes(batch), 0)
        available = jnp.asarray(counts)[classes]
        drawn = jnp.floor(jax.random.uniform(rng, classes.shape) * available).astype(jnp.int32)
        choice = jnp.full_like(drawn, DRAW) if choice is None else jnp.asarray(choice)
        index = jnp.where(choice < 0, drawn, jnp.minimum(choice, available - 1))
        centres = jnp.asarray(clusters)[classes, jnp.maximum(index, 0)]
        centres = jnp.where((available > 0)[..., None], centres, 0)
        return centres if style is None else jnp.where((choice == KEEP)[..., None], style, centres)

    def checkpoint_names(self) -> dict[str, Rules]:
        model = self.config.model
        shape = model.generator.num_downsamplings, model.generator.num_blocks
        is_global = self.config.stage == "global_generator"
        return {
            "generator": global_names(*shape) if is_global else local_names(*shape, model.enhancer.num_local_blocks),
            "discriminator": self.discriminator_names(),
            "encoder": global_names(model.encoder.num_downsamplings, 0),
        }

    def discriminator_names(self) -> Rules:
        """Renamings to the authors' module: layer by layer where their features are matched, one sequence otherwise."""
        if self.config.loss.weights.feature_matching:
            return (
                (r"^discriminator_(\d+)\.conv_(\d+)\.", r"scale\1_layer\2.0."),
                (r"^discriminator_(\d+)\.norm_(\d+)\.", r"scale\1_layer\2.1."),
            )
        rules = [(r"^discriminator_(\d+)\.conv_0\.", r"layer\1.0.")]
        for i in range(1, self.config.model.discriminator.num_layers + 1):
            rules += [(rf"^discriminator_(\d+)\.conv_{i}\.", rf"layer\1.{3 * i - 1}.")]
            rules += [(rf"^discriminator_(\d+)\.norm_{i}\.", rf"layer\1.{3 * i}.")]
        return tuple(rules)


def _check_shape(name: str, array: jax.Array | None, shape: tuple[int, ...]) -> None:
    if array is not None and jnp.shape(array) != shape:
        raise UserError(f"{name} has shape {jnp.shape(array)}; it should be {shape}")
