"""The methods, one file a paper. `config.method` names the file."""

import importlib
import pkgutil

from ml_collections import ConfigDict

from jaxsyn.errors import UserError
from jaxsyn.methods.base import Batch, Frozen, Method, Phase, Rules, Terms
from jaxsyn.methods.nets import InitializingNets, Nets

__all__ = ["Batch", "Frozen", "InitializingNets", "Method", "Nets", "Phase", "Rules", "Terms", "build"]

_INFRASTRUCTURE = ("base", "content_attribute", "nets", "semantic", "style_choice", "translators", "two_domains")


def build(config: ConfigDict) -> Method:
    """The method that `config.method` names: the one subclass of `Method` defined in `jaxsyn.methods.NAME`.

    Raises:
        UserError: no such file.
    """
    names = [m.name for m in pkgutil.iter_modules(__path__) if m.name not in _INFRASTRUCTURE]
    if config.method not in names:
        raise UserError(f"config.method = {config.method!r} is no method; there are {', '.join(names)}")
    module = importlib.import_module(f"{__name__}.{config.method}")
    (method,) = (
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Method) and kind.__module__ == module.__name__
    )
    return method(config)
