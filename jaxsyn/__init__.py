"""GAN methods for conditional image synthesis in JAX and Flax."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from jaxsyn.training.trained import Trained

__version__ = "0.1.0"
__all__ = ["load"]


def load(path: "str | Path", step: int | None = None) -> "Trained":
    """A trained run, ready to make images: `jaxsyn.load("runs/spade").generate({"label": ids})`.

    See `jaxsyn.training.trained.load`.
    """
    # Who wants one layer does not wait for the import of all that trains and reads data.
    from jaxsyn.training import trained

    return trained.load(path, step)
