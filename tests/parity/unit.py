"""UNIT's reference cases: the authors' options to our config, and what each kind of case computes."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from configs.unit import get_config
from jaxsyn.methods.base import Batch
from jaxsyn.methods.nets import Nets
from jaxsyn.methods.unit import Unit, VariationalAutoEncoder
from tests.parity import two_domains
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.two_domains import GivenDraws, Options

# The order in which an update draws noise; an update that translates alone takes the first two.
DRAWS = ("n_a", "n_b", "n_b_recon", "n_a_recon")


class GivenNoise(GivenDraws, Unit):
    """UNIT with the noise of a case."""

    def latents(self, nets: Nets, batch: Batch, rng: jax.Array) -> Any:
        self.given = iter([batch[name] for draw in DRAWS if (name := f"{self.update}_{draw}") in batch])
        return super().latents(nets, batch, rng)

    def noise(self, mean: jax.Array, rng: jax.Array) -> jax.Array:
        return next(self.given)


def config_of(options: Options) -> ConfigDict:
    """Our config for the reference's options."""
    config = get_config("custom")
    two_domains.apply_options(config, options)
    weights = config.loss.weights
    names = {"kl": "recon_kl_w", "cycle": "recon_x_cyc_w", "kl_cycle": "recon_kl_cyc_w"}
    weights.update({ours: float(options.get(theirs, weights[ours])) for ours, theirs in names.items()})
    return config


def templates(options: Options) -> dict[str, Template]:
    """All networks together, and one of either kind."""
    return two_domains.templates(GivenNoise(config_of(options), options), options)


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    method = GivenNoise(config_of(case.config), case.config)
    if "discriminator" in variables:
        return two_domains.discriminator(method, case, variables["discriminator"])
    if "generator" in variables:
        return _generator(method, case, variables["generator"])
    stepped = any(name.startswith("step") for name in case.scalars)
    function = two_domains.iterations if stepped else two_domains.losses
    return function(method, case, variables["trainer"], _terms)


def _terms(terms: Mapping[str, Any]) -> dict[str, Any]:
    scalars = two_domains.shared_terms(terms)
    for domain, way in (("a", "aba"), ("b", "bab")):
        scalars[f"loss_gen_recon_kl_{domain}"] = terms[f"generator/kl_{domain}"]
        scalars[f"loss_gen_cyc_x_{domain}"] = terms[f"generator/cycle_{domain}"]
        scalars[f"loss_gen_recon_kl_cyc_{way}"] = terms[f"generator/kl_cycle_{domain}"]
    return scalars


def _generator(method: GivenNoise, case: Case, variables: Mapping[str, Any]) -> Results:
    """The mean of an image's latent, and the image decoded from it and from its neighbourhood."""
    network: VariationalAutoEncoder = method.networks()["generator_a"]
    image, noise = (jnp.asarray(nchw_to_nhwc(case.inputs[name])) for name in ("image", "noise"))

    @jax.jit
    def call(variables: Any, image: jax.Array, noise: jax.Array) -> dict[str, jax.Array]:
        def parts(network: VariationalAutoEncoder) -> dict[str, jax.Array]:
            mean = network.encode(image)
            noisy = network.decode(mean + noise)
            return {"hiddens": mean, "reconstruction": network.decode(mean), "reconstruction_noisy": noisy}

        return network.apply(variables, method=parts)

    found = call(variables, image, noise)
    return Results({name: nhwc_to_nchw(array) for name, array in found.items() if name in case.outputs})
