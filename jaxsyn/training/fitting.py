"""Which change of a config would make its networks fit a checkpoint from elsewhere."""

from collections.abc import Iterator, Mapping
from typing import Any

from ml_collections import ConfigDict

from jaxsyn.errors import UserError
from jaxsyn.interop.state_dict import expected_shapes
from jaxsyn.training.runs import make_run

Shapes = Mapping[str, tuple[int, ...]]
COUNT = "num_batches_tracked"
ROUNDS = 2


def suggest_options(config: ConfigDict, network: str, found: Shapes) -> str:
    """The options to add to the command line for a network to have these shapes; "" where none were found.

    Tries the integers and switches of `config.model` and the numbers of classes, one at a time and then a second beside
    the best, with the values that the shapes speak for: what they are multiples of, or differ by.

    Args:
        found: name -> shape of every entry of the checkpoint.
    """
    found = {name: shape for name, shape in found.items() if not name.endswith(COUNT)}
    chosen: dict[str, Any] = {}
    least, expected = _misfits(config, network, found)
    for _ in range(ROUNDS):
        best = None
        for key, value in _candidates(config, expected, found):
            changed = config.copy_and_resolve_references()
            try:
                _set(changed, key, value)
                misfits, shapes = _misfits(changed, network, found)
            except (UserError, TypeError, ValueError):  # no such model
                continue
            if misfits < least:
                least, best = misfits, (shapes, key, value, changed)
            if least == 0:
                break
        if best is None:
            return ""
        expected, key, value, config = best
        chosen[key] = value
        if least == 0:
            return " ".join(f"--config.{key}={value}" for key, value in chosen.items())
    return ""


def _misfits(config: ConfigDict, network: str, found: Shapes) -> tuple[int, Shapes]:
    """How many entries are missing, too many or of another shape, and the shapes that the config gives."""
    run = make_run(config)
    template = {"params": run.template.params[network], **run.template.states[network]}
    shapes = expected_shapes(template, run.method.checkpoint_names().get(network, ()))
    expected = {name: shape for name, shape in shapes.items() if not name.endswith(COUNT)}
    return sum(found.get(name) != expected.get(name) for name in found.keys() | expected.keys()), expected


def _candidates(config: ConfigDict, expected: Shapes, found: Shapes) -> Iterator[tuple[str, Any]]:
    pairs = [pair for name in found.keys() & expected.keys() for pair in zip(found[name], expected[name], strict=False)]
    ratios = {there / here for there, here in pairs if there != here}
    steps = {there - here for there, here in pairs if there != here and abs(there - here) < here}
    steps |= {-1, 1} if found.keys() != expected.keys() else set()
    for key, value in _options(config):
        if isinstance(value, bool):
            yield key, not value
        else:
            scaled = {value * ratio for ratio in ratios}
            values = {int(v) for v in scaled if v == int(v)} | {value + step for step in steps}
            yield from ((key, v) for v in sorted(values - {value}) if v > 0)
    if config.data.unknown_label is None:
        yield "data.unknown_label", 255


def _options(config: ConfigDict) -> Iterator[tuple[str, int | bool]]:
    yield from _flat(config.model.to_dict(), "model")
    # What of the data decides how networks look.
    yield from _flat({name: config.data[name] for name in ("num_classes", "use_instance")}, "data")


def _flat(section: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, int | bool]]:
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}.{name}")
        elif isinstance(value, int):
            yield f"{prefix}.{name}", value


def _set(config: ConfigDict, key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for section in sections:
        config = config[section]
    config[last] = value
