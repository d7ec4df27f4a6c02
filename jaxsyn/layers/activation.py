"""Activations by their names in a config."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError

FUNCTIONS = {
    "relu": nn.relu,
    "leaky_relu": lambda x: nn.leaky_relu(x, 0.2),
    "selu": nn.selu,
    "tanh": jnp.tanh,
    "none": lambda x: x,
}


class Activation(nn.Module):
    """An activation of any array, elementwise.

    Attributes:
        kind: `relu`, `leaky_relu` (slope 0.2), `selu`, `tanh`, `none`, or `prelu`, whose one slope, 0.25 at first, is
            learned (He et al., ICCV 2015).
    """

    kind: str

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """
        Raises:
            UserError: no such kind.
        """
        if self.kind == "prelu":
            slope = self.param("slope", nn.initializers.constant(0.25), (1,))
            return jnp.where(x >= 0, x, slope.astype(x.dtype) * x)
        if self.kind not in FUNCTIONS:
            raise UserError(f"activation {self.kind!r} is not known; choose one of {', '.join(FUNCTIONS)}, prelu")
        return FUNCTIONS[self.kind](x)
