"""The methods, one file a paper. `config.method` names the file."""

import importlib
import pkgutil

from ml_collections import ConfigDict

from jaxsyn.errors import UserError
from jaxsyn.methods.base import Batch, Frozen, Method, Phase, Rules, Terms
from jaxsyn.methods.nets import InitializingNets, Nets

__all__ = ["Batch", "Frozen", "InitializingNets", "Method", "Nets", "Phase", "Rules", "Terms", "build", "method_names"]

_INFRASTRUCTURE = (
    "base",
    "content_attribute",
    "nets",
    "semantic",
    "style_choice",
    "target_domains",
    "translators",
    "two_domains",
)


def method_names() -> list[str]:
    """Every name that `config.method` can have: the files that hold a paper's system, not what several share."""
    return [m.name for m in pkgutil.iter_modules(__path__) if m.name not in _INFRASTRUCTURE]


def build(config: ConfigDict) -> Method:
    """The method that `config.method` names: the one subclass of `Method` defined in `jaxsyn.methods.NAME`.

    Raises:
        UserError: no such file.
    """
    names = method_names()
    if config.method not in names:
        raise UserError(f"config.method = {config.method!r} is no method; there are {', '.join(names)}")
    module = importlib.import_module(f"{__name__}.{config.method}")
    (method,) = (
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Method) and kind.__module__ == module.__name__
    )
    return method(config)
