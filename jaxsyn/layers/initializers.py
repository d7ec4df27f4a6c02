"""The weight initialisations that the PyTorch code of this field offers, under the names it uses."""

from collections.abc import Callable

import jax

from jaxsyn.errors import UserError

Initializer = Callable[..., jax.Array]


def initializer(kind: str, gain: float = 0.02) -> Initializer:
    """Kernel initialiser by the name it has in SPADE's and pix2pixHD's options (`--init_type`).

    Kernels are [..., in, out]; the fans count the kernel's window. Biases start at zero beside all of them.

    Args:
        kind: `xavier` (normal, Glorot and Bengio 2010), `xavier_uniform` (whose gain is always 1 there), `normal`
            (standard deviation `gain`), `kaiming` (normal, fan in, He et al. 2015; no gain), `orthogonal`, or
            `lecun_uniform`, PyTorch's own default: uniform in +-1 / sqrt(fan in).
        gain: the scale of the kinds that have one.

    Raises:
        UserError: no such kind.
    """
    scaling = jax.nn.initializers.variance_scaling
    kinds = {
        "xavier": scaling(gain**2, "fan_avg", "normal"),
        "xavier_uniform": scaling(1.0, "fan_avg", "uniform"),
        "normal": jax.nn.initializers.normal(gain),
        "kaiming": scaling(2.0, "fan_in", "normal"),
        "orthogonal": jax.nn.initializers.orthogonal(gain),
        "lecun_uniform": scaling(1.0 / 3.0, "fan_in", "uniform"),
    }
    if kind not in kinds:
        raise UserError(f"model.init = {kind!r} is no initialisation; choose one of {', '.join(kinds)}")
    return kinds[kind]


DEFAULT = initializer("xavier")
