"""Whether translated scenes are of the domain that was asked for."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.multihost_utils import process_allgather

from jaxsyn.data.scenes import DOMAINS
from jaxsyn.errors import UserError
from jaxsyn.evaluation.judge import load_domain_judge
from jaxsyn.evaluation.score import Score
from jaxsyn.networks.domain_classifier import DomainClassifierNet

METRICS = ("scenes_domain_accuracy", "scenes_domain_accuracy_real")


class DomainMeasure:
    """The share of images that the packaged classifier finds in their target domain; of true ones, what can be reached.

    domains: what the numbers in batch["domain"] stand for, of day, dusk, night and winter.
    """

    def __init__(self, domains: tuple[str, ...]):
        self._missing = ""
        self._table = jnp.asarray([DOMAINS.index(domain) for domain in domains], jnp.int32)
        self._right = np.zeros(2, np.int64)
        self._images = 0
        try:
            self._judge = load_domain_judge()
        except UserError as error:
            self._missing = str(error)

    def add(self, domain: jax.Array, real: jax.Array, fake: jax.Array, mask: np.ndarray) -> None:
        """
        Args:
            domain: int32 [B], the target.
            real, fake: uint8 [B, H, W, 3].
            mask: bool [B], False for rows that only pad.
        """
        if self._missing:
            return
        target = self._table[domain]
        right = [_is_named(self._judge.network, self._judge.variables, images, target) for images in (fake, real)]
        right = process_allgather(jnp.stack(right, axis=-1), tiled=True)
        self._right += right[mask].sum(0)
        self._images += int(mask.sum())

    def scores(self) -> dict[str, Score]:
        """One score a metric; without the packaged weights, why there is none."""
        if self._missing:
            return {metric: Score(None, self._missing) for metric in METRICS}
        record = {"scenes_domain_classifier_sha256": self._judge.sha256}
        shares = self._right / self._images
        return {metric: Score(float(share), "", record) for metric, share in zip(METRICS, shares, strict=True)}


@partial(jax.jit, static_argnums=0)
def _is_named(network: DomainClassifierNet, variables: Any, images: jax.Array, target: jax.Array) -> jax.Array:
    step = 2 ** len(network.widths)
    padding = ((0, 0), (0, -images.shape[1] % step), (0, -images.shape[2] % step), (0, 0))
    logits = network.apply(variables, jnp.pad(images, padding, mode="edge") / 127.5 - 1)
    return logits.argmax(-1) == target
