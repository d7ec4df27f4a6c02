"""A run's networks from the authors' files, and to them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from jaxsyn.errors import UserError
from jaxsyn.interop.files import read_state_dict, write_state_dict
from jaxsyn.interop.origin import check_origin, write_origin
from jaxsyn.interop.state_dict import from_state_dict, to_state_dict
from jaxsyn.training.changes import structure
from jaxsyn.training.checkpoints import Checkpoints
from jaxsyn.training.fitting import suggest_options
from jaxsyn.training.runs import Run, make_run, restore_run
from jaxsyn.training.stages import checkpoint_directory
from jaxsyn.training.state import TrainState, running_statistics
from jaxsyn.training.workdir import open_workdir

# What a moving average's file is called after its network.
AVERAGE = "_ema"


def import_networks(config: ConfigDict, workdir: str | Path, files: Mapping[str, str]) -> Path:
    """Makes a run at step 0 of state dicts; networks that are not named keep their initial values.

    Args:
        files: network -> FILE or FILE:KEY, KEY choosing among several state dicts. NETWORK_ema is the moving average
            of a network that has one in the recipe; without it, that begins as the network.

    Returns:
        The path of the workdir.

    Raises:
        UserError: a network or file that there is not, one that does not fit (with the options that would), or a
            workdir that holds a run already.
    """
    run = make_run(config)
    averages = {name + AVERAGE: name for name in run.template.ema}
    known = {name: name for name in run.template.params} | averages
    unknown = [name for name in files if name not in known]
    if unknown or not files:
        raise UserError(f"no network {', '.join(unknown) or 'named'}: give NETWORK=FILE for some of {', '.join(known)}")
    read = {name: _variables(run, known[name], source) for name, source in files.items()}
    state = _blank_state(run) if run.template.params.keys() <= read.keys() else run.initial_state()
    params, states = dict(state.params), dict(state.states)
    for name in read.keys() & params.keys():
        params[name], states[name] = read[name]
    ema = {name: params[name] for name in state.ema}
    statistics = {name: running_statistics(states[name]) for name in state.ema}
    for name in read.keys() & averages.keys():
        network = averages[name]
        ema[network], statistics[network] = read[name][0], running_statistics(read[name][1])
    path = open_workdir(workdir, config)
    checkpoints = Checkpoints(checkpoint_directory(path, config))
    if checkpoints.latest_step() is not None:
        raise UserError(f"{path} holds a run already, at step {checkpoints.latest_step()}; choose another --workdir")
    checkpoints.save(0, state.replace(params=params, states=states, ema=ema, ema_statistics=statistics))
    checkpoints.close()
    return path


def _blank_state(run: Run) -> TrainState:
    """The state before the first step but for its networks: Adam's moments begin at zero."""
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype, device=leaf.sharding), run.template)


def export_networks(
    config: ConfigDict, workdir: str | Path, output: str | Path, suffix: str, step: int | None = None
) -> list[Path]:
    """Writes each network of a run, and its moving average, as a state dict under the authors' names.

    Beside them lies a record of where they come from, which importing checks.

    Args:
        output: directory of the files.
        suffix: of a format that `write_state_dict` knows.
        step: which checkpoint; None takes the newest.

    Returns:
        The files' paths.
    """
    run, state = restore_run(config, workdir, step)
    names, folder = run.method.checkpoint_names(), Path(output)
    os.makedirs(folder, exist_ok=True)
    files = {}
    for name, (network, variables) in _exported(state).items():
        path = folder / f"{name}{suffix}"
        write_state_dict(path, to_state_dict(variables, names.get(network, ())))
        files[path] = network
    write_origin(folder, config.method, int(state.step), structure(config), files)
    return list(files)


def _exported(state: TrainState) -> dict[str, tuple[str, dict[str, Any]]]:
    """Name of a file -> network and its variables."""
    found = {}
    for name, params in state.params.items():
        if not params:  # state of the run that is no network
            continue
        found[name] = name, {"params": params, **state.states[name]}
        if name in state.ema:
            statistics = state.ema_statistics.get(name)
            averaged = {"batch_stats": statistics} if statistics else {}
            found[name + AVERAGE] = name, {**found[name][1], "params": state.ema[name], **averaged}
    return found


def _variables(run: Run, network: str, source: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and other collections of a network, from FILE or FILE:KEY."""
    file, _, key = source.rpartition(":")
    if os.path.exists(source) or not file:
        file, key = source, ""
    check_origin(Path(file), run.config.method, network)
    state_dict = read_state_dict(file, key or None)
    template = {"params": run.template.params[network], **run.template.states[network]}
    names, unused = run.method.checkpoint_names(), run.method.unused_entries()
    try:
        variables = from_state_dict(
            state_dict, template, names.get(network, ()), source=source, unused=unused.get(network, ())
        )
    except UserError as error:
        print(f"{source} does not fit; looking for the options that would ...", flush=True)
        shapes = {name: tuple(np.shape(array)) for name, array in state_dict.items()}
        options = suggest_options(run.config, network, shapes)
        raise UserError(f"{error}; it would with {options}" if options else str(error)) from error
    params = variables.pop("params")
    return params, variables
