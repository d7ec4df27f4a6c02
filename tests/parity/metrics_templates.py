"""The networks of the cases of `metrics`, as their options describe them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.evaluation.metrics import dipd, lpips
from jaxsyn.networks import alexnet, deeplab, drn, inception, squeezenet, unet, upernet, vgg
from tests.parity.adapter import Template

Config = dict[str, Any]
UPERNET_BUFFERS = {"_tmp_running_mean": None, "_tmp_running_var": None, "_running_iter": (1,)}


class Templates(Mapping[str, Template]):
    """Builds a network's template when it is asked for: all of them together take long to trace."""

    def __init__(self, config: Config):
        self._builders = _builders(config)

    def __getitem__(self, name: str) -> Template:
        return self._builders[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._builders)

    def __len__(self) -> int:
        return len(self._builders)


def shapes(network: nn.Module, *inputs: Any) -> dict[str, Any]:
    return jax.eval_shape(network.init, jax.random.key(0), *inputs)


def _images(side: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)


def _builders(config: Config) -> dict[str, Callable[[], Template]]:
    classes = config.get("classes", 1000)

    def linear(name: str) -> Template:
        return Template(lpips.linear_template(lpips.BACKBONES[name].channels), lpips.LINEAR_RULES)

    def backbone() -> Template:
        found = lpips.BACKBONES[config["net"]]
        return Template(shapes(found.network, _images(64)), found.rules)

    def vgg_features() -> Template:
        network = dipd.NETWORK if "vgg" in config else vgg_network(config)
        return Template(shapes(network, _images(64)), vgg.TORCH_RULES)

    def classifier(network: nn.Module, rules: Any) -> Callable[[], Template]:
        return lambda: Template(shapes(network, _images(64)), rules)

    linears_only = "version" in config and "net" not in config
    builders = {
        "backbone": backbone,
        "linear": lambda: linear(config["net"]),
        "alex": lambda: linear("alex"),
        "squeeze": lambda: linear("squeeze"),
        "vgg": (lambda: linear("vgg")) if linears_only else vgg_features,
        "alexnet": classifier(alexnet.AlexNet(num_classes=classes), alexnet.TORCH_RULES),
        "vgg16": classifier(vgg.VGG16(num_classes=classes), vgg.TORCH_RULES),
        "vgg19": classifier(vgg.VGG19(num_classes=classes), vgg.TORCH_RULES),
        "squeezenet1_1": classifier(squeezenet.SqueezeNet(num_classes=classes), squeezenet.TORCH_RULES),
        "inception": lambda: Template(shapes(inception_network(config), _images(inception.SIZE))),
        "inception_v3": lambda: Template(_with_auxiliary_head(inception.TorchvisionInception(), classes)),
    }
    segmenters = {
        "drn": lambda: Template(shapes(drn_network(config), _images(64)), drn.TORCH_RULES),
        "deeplab": lambda: Template(shapes(deeplab_network(config), _images(65)), deeplab.TORCH_RULES),
        "unet": lambda: Template(shapes(unet_network(config), _images(16)), unet.TORCH_RULES),
        "encoder": lambda: Template(shapes(upernet.ResNetEncoder(), _images(64)), upernet.ENCODER_RULES),
        "decoder": lambda: Template(shapes(decoder_network(config), _maps()), upernet.DECODER_RULES),
    }
    return builders | segmenters | _released_segmenters(config)


def _released_segmenters(config: Config) -> dict[str, Callable[[], Template]]:
    """Those of the manifest, whose config holds a section for each."""

    def section(name: str, build: Callable[[Config], nn.Module], rules: Any, size: int) -> Callable[[], Template]:
        return lambda: Template(shapes(build(config[name]), _images(size)), rules)

    def upernet_encoder() -> Template:
        return Template(_with_buffers(shapes(upernet.ResNetEncoder(), _images(64))), upernet.ENCODER_RULES)

    def upernet_decoder() -> Template:
        decoder = decoder_network(config["upernet101"])
        return Template(_with_buffers(shapes(decoder, _maps())), upernet.DECODER_RULES)

    return {
        "drn_d_105": section("drn_d_105", drn_network, drn.TORCH_RULES, 64),
        "deeplabv2_resnet101_msc": section("deeplabv2", deeplab_network, deeplab.TORCH_RULES, 65),
        "unet_celebamask": section("unet_celebamask", unet_network, unet.TORCH_RULES, 16),
        "upernet101_encoder": upernet_encoder,
        "upernet101_decoder": upernet_decoder,
    }


def _maps() -> tuple[jax.ShapeDtypeStruct, ...]:
    sides = ((16, 256), (8, 512), (4, 1024), (2, 2048))
    return tuple(jax.ShapeDtypeStruct((1, side, side, width), jnp.float32) for side, width in sides)


def vgg_network(config: Config) -> vgg.VGG:
    if config.get("network", "").startswith("VGG-16"):
        return vgg.VGG16(taps=tuple(range(31)))
    return vgg.VGG19(taps=tuple(range(37)))


def inception_network(config: Config) -> inception.InceptionV3:
    if config.get("classes", 1008) == 1008:
        return inception.FIDInception()
    return inception.TorchvisionInception(num_classes=config["classes"])


def drn_network(config: Config) -> drn.DRN:
    return drn.DRN(config["classes"])


def decoder_network(config: Config) -> upernet.UperNetDecoder:
    return upernet.UperNetDecoder(config["classes"], config["fpn_dim"])


def deeplab_network(config: Config) -> deeplab.MultiScaleDeepLab:
    blocks = tuple(config.get("blocks", (3, 4, 23, 3)))
    scales = tuple(config.get("scales", (0.5, 0.75)))
    return deeplab.MultiScaleDeepLab(config["classes"], blocks, tuple(config["atrous_rates"]), scales)


def unet_network(config: Config) -> unet.FaceUNet:
    classes = config.get("n_classes", config.get("classes"))
    return unet.FaceUNet(classes, config.get("image_size", 16), 64 // config["feature_scale"])


def _with_auxiliary_head(network: nn.Module, classes: int) -> dict[str, Any]:
    """torchvision's file also holds a training head, which no metric uses: the importer drops it."""

    class AuxiliaryHead(nn.Module):
        @nn.compact
        def __call__(self, x: jax.Array) -> jax.Array:
            x = inception.ConvNorm(128, name="conv0")(x)
            x = inception.ConvNorm(768, (5, 5), name="conv1")(x)
            return nn.Dense(classes, name="fc")(x)

    head = shapes(AuxiliaryHead(), jax.ShapeDtypeStruct((1, 5, 5, 768), jnp.float32))
    trunk = shapes(network, _images(inception.SIZE))
    return {collection: {**trunk[collection], "AuxLogits": head[collection]} for collection in trunk}


def _with_buffers(variables: dict[str, Any]) -> dict[str, Any]:
    """Adds the buffers that UperNet's norms register and its files may lack: the importer drops them."""

    def buffers(tree: dict[str, Any]) -> dict[str, Any]:
        if "mean" in tree:
            mean = tree["mean"]
            return {k: mean if s is None else jax.ShapeDtypeStruct(s, mean.dtype) for k, s in UPERNET_BUFFERS.items()}
        return {name: buffers(below) for name, below in tree.items()}

    return {**variables, "buffers": buffers(variables["batch_stats"])}
