"""CycleGAN's reference cases: the authors' options to our config, and what each kind of case computes."""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from configs.cyclegan import get_config
from jaxsyn.layers import ImagePool
from jaxsyn.methods import Nets
from jaxsyn.methods.cyclegan import CycleGan
from jaxsyn.training.step import phase_gradients
from tests.parity import translators
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.semantic import shape, split
from tests.parity.translators import Options

NETWORKS = {"G_A": "generator", "G_B": "reverse_generator", "D_A": "discriminator", "D_B": "source_discriminator"}
# A case of one network calls it by its kind.
ALONE = {"generator": "generator", "discriminator": "discriminator"}
# The domain that a network makes or judges, and the pool of the fakes in it.
POOLS = {"A": "source_pool", "B": "pool"}


class GivenDraws(CycleGan):
    """CycleGAN with the reference's channel counts, whose pools take a case's draws."""

    def __init__(self, options: Options, draws: Mapping[str, np.ndarray] | None = None):
        super().__init__(config_of(options))
        self.channels = options.get("input_nc", 3), options.get("output_nc", 3)
        self.draws = {name: array for name, array in (draws or {}).items() if "uniform" in name or "index" in name}

    def networks(self) -> dict[str, nn.Module]:
        networks = super().networks()
        networks["reverse_generator"] = networks["reverse_generator"].clone(out_channels=self.channels[0])
        return networks

    def discriminator_loss(self, nets: Nets, batch: Any, rng: jax.Array) -> Any:
        self.domains = iter(("B", "A"))  # the order of the queries
        return super().discriminator_loss(nets, batch, rng)

    def pool_draws(self, rng: jax.Array, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        uniform, index = super().pool_draws(rng, images)
        domain, count = next(self.domains), len(images)
        for name, array in self.draws.items():
            if domain_of(name) not in (domain, None):
                continue
            given = array.reshape(-1)
            if domain_of(name) is None:
                given = given[:count] if domain == "B" else given[count:]
            if "uniform" in name:
                uniform = jnp.asarray(given)
            else:
                index = jnp.maximum(jnp.asarray(given), 0)
        return uniform, index


def domain_of(name: str) -> str | None:
    """The domain of the fakes that an input of a pool is about: A, B, or None where it is about both."""
    found = [domain for domain in POOLS if domain in name]
    if len(found) != 1:
        return None
    # D_A judges images of B.
    return {"A": "B", "B": "A"}[found[0]] if "D_" in name else found[0]


def config_of(options: Options) -> ConfigDict:
    """Our config for the reference's options; an option that a case leaves out has the reference's default."""
    config = get_config("custom")
    translators.apply_options(config, options, norm="instance", gan_mode="lsgan")
    weights = config.loss.weights
    weights.cycle_source, weights.cycle_image = (options.get(name, 10.0) for name in ("lambda_A", "lambda_B"))
    weights.identity = options.get("lambda_identity", 0.5)
    config.model.pool_size = options.get("pool_size", 50)
    return config


def templates(options: Options) -> dict[str, Template]:
    """All four networks, and one of either kind under the name that a case of its own has."""
    method = GivenDraws(options)
    names, rng, (of_sources, of_images) = method.checkpoint_names(), jax.random.key(0), method.channels
    channels = {"G_A": of_sources, "G_B": of_images, "D_A": of_images, "D_B": of_sources}
    channels |= dict.fromkeys(ALONE, of_sources)
    networks, size = method.networks(), 2 ** max(method.config.model.unet.num_downs, 6)
    return {
        theirs: Template(
            jax.eval_shape(networks[ours].init, rng, shape((1, size, size, channels[theirs]))), names[ours]
        )
        for theirs, ours in {**NETWORKS, **ALONE}.items()
    }


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    if not variables:
        return _pool(case)
    if len(variables) > 1:
        return _losses(GivenDraws(case.config, case.inputs), case, variables)
    ((name, tree),) = variables.items()
    method, ours = GivenDraws(case.config), {**NETWORKS, **ALONE}[name]
    function = translators.generator if ours in ("generator", "reverse_generator") else translators.discriminator
    return function(method, case, {ours: tree}, ours)


def _pool(case: Case) -> Results:
    """Queries of one pool; an image takes a draw where the pool is full."""
    images = jnp.asarray(np.moveaxis(case.inputs["images"], 2, -1))
    steps, batch, size = *images.shape[:2], case.config["pool_size"]
    draws = []
    for name in ("uniform", "index"):
        given = case.inputs[name]
        draws.append(np.concatenate([np.zeros(min(size, steps * batch), given.dtype), given])[: steps * batch])
    network, returned = ImagePool(size), []
    query = jax.jit(lambda *inputs: network.apply(*inputs, mutable=["pool"]))
    variables: Any = {"pool": {"images": jnp.zeros((size, *images.shape[2:])), "count": jnp.zeros((), jnp.int32)}}
    for step in range(steps):
        mine = [jnp.asarray(draw.reshape(steps, batch)[step]) for draw in draws]
        answer, variables = query(variables, images[step], *mine)
        returned.append(answer)
    pool = variables["pool"]
    at_end = np.asarray(pool["images"])[: int(pool["count"])]
    return Results({"returned": np.moveaxis(np.stack(returned), -1, 2), "pool_at_end": nhwc_to_nchw(at_end)})


def _losses(method: GivenDraws, case: Case, variables: dict[str, Any]) -> Results:
    """Weighted terms and gradient norms of both phases, without the update between them."""
    params, states = split({NETWORKS[name]: tree for name, tree in variables.items()})
    source, image = (jnp.asarray(nchw_to_nhwc(case.inputs[name])) for name in ("real_A", "real_B"))
    params |= {pool: {} for pool in POOLS.values()}
    states |= {pool: _contents(method, case, domain, source) for domain, pool in POOLS.items()}
    batch, rng, kept, gradients, terms = {"source": source, "image": image}, jax.random.key(0), {}, {}, {}
    for phase in method.phases():
        step = jax.jit(lambda p, s, k, phase=phase: phase_gradients(method, phase, p, s, {}, batch, rng, k))
        found = step(params, states, kept)
        states, kept = found.states, found.kept
        gradients |= found.gradients
        terms |= {name: float(value) for name, value in found.terms.items() if name != "total"}
        terms[f"total_{phase.name}"] = float(found.terms["total"])
    weights = method.config.loss.weights
    scalars = {
        "idt_A": terms.get("identity_image", 0.0) * weights.identity * weights.cycle_image,
        "idt_B": terms.get("identity_source", 0.0) * weights.identity * weights.cycle_source,
        "G_A": terms["adversarial_image"],
        "G_B": terms["adversarial_source"],
        "cycle_A": terms["cycle_source"] * weights.cycle_source,
        "cycle_B": terms["cycle_image"] * weights.cycle_image,
        "D_A": (terms["real_image"] + terms["fake_image"]) / 2,
        "D_B": (terms["real_source"] + terms["fake_source"]) / 2,
        "loss_G": terms["total_generator"],
    }
    norms = {theirs: optax.global_norm(gradients[ours]) for theirs, ours in NETWORKS.items()}
    scalars |= {f"grad_norm_{name}": float(norm) for name, norm in norms.items()}
    scalars["grad_norm_generators"] = float(np.hypot(norms["G_A"], norms["G_B"]))
    scalars["grad_norm_discriminators"] = float(np.hypot(norms["D_A"], norms["D_B"]))
    outputs = {"fake_A": nhwc_to_nchw(kept["fake_source"]), "fake_B": nhwc_to_nchw(kept["fake_image"])}
    for domain, pool in POOLS.items():
        outputs[f"pool_{domain}_after"] = nhwc_to_nchw(states[pool]["pool"]["images"])
    return Results(
        {name: array for name, array in outputs.items() if name in case.outputs},
        {name: value for name, value in scalars.items() if name in case.scalars},
    )


def _contents(method: GivenDraws, case: Case, domain: str, like: jax.Array) -> dict[str, Any]:
    """A pool's state before the step: the case's images of the domain, or nothing."""
    size = method.config.model.pool_size
    given = [
        array for name, array in case.inputs.items() if "pool" in name and domain_of(name) == domain and array.ndim == 4
    ]
    images = jnp.asarray(nchw_to_nhwc(given[0])) if given else jnp.zeros((size, *like.shape[1:]))
    return {"pool": {"images": images, "count": jnp.int32(len(images) if given else 0)}}
