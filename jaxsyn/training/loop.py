"""The training loop."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from jaxsyn.data import SkippedRecords, device_batches, open_targets, train_batches
from jaxsyn.data.check import check_source
from jaxsyn.methods import build
from jaxsyn.training.checkpoints import Checkpoints, steps_in
from jaxsyn.training.disk import require_room
from jaxsyn.training.frozen import load_frozen, require_frozen_files
from jaxsyn.training.mesh import make_mesh
from jaxsyn.training.meters import RATE, Meters
from jaxsyn.training.pictures import Pictures
from jaxsyn.training.preemption import Preemption, Stopped, preemption
from jaxsyn.training.processes import by_first, is_first, of_first, together
from jaxsyn.training.runs import Run, make_run
from jaxsyn.training.sharding import parameter_sharding, process_share, put_batch
from jaxsyn.training.stages import checkpoint_directory, earlier_checkpoint, take_over
from jaxsyn.training.state import TrainState
from jaxsyn.training.telemetry import Mute, Telemetry, require_finite
from jaxsyn.training.workdir import IMAGES, locked, open_workdir, read_config, sweep, truncate_metrics

Evaluate = Callable[[Run, TrainState], Mapping[str, float]]


def train(
    config: ConfigDict, workdir: str | Path, evaluate: Evaluate | None = None, *, accept_changes: bool = False
) -> None:
    """Trains until `config.num_steps`, from the newest checkpoint in `workdir` where there is one.

    A later stage of a recipe in stages goes on from the newest checkpoint of the ones before it.

    The devices run ahead of the host, which waits for them only where it logs. A loss that is not finite stops the run
    before anything is saved after it. SIGTERM, or Ctrl-C, ends it after the step under way, which is saved.

    Every process of a run calls this with the same arguments, and sees the same workdir.

    Args:
        evaluate: called every `config.eval_every` steps; its figures are logged as `eval/NAME`.
        accept_changes: go on with a recipe that changed since the run began.

    Raises:
        UserError: the config, the data, the workdir or a weight file is unusable; a loss became non-finite; or the
            disk takes no more.
    """
    with preemption() as asked:
        try:
            # Their errors take no time; looking through the data may.
            together(partial(_check, config))
            with ExitStack() as held:
                by_first(lambda: held.enter_context(locked(Path(workdir))))
                _train(config, Path(workdir), evaluate, accept_changes, asked, held)
        except Stopped as stopped:
            print(f"\nstopped by {stopped}; the same command goes on from step {_newest(workdir, config)}")


def _check(config: ConfigDict) -> None:
    process_share(make_mesh(config))
    require_frozen_files(build(config))
    check_source(config.data, "train")


def _train(
    config: ConfigDict,
    path: Path,
    evaluate: Evaluate | None,
    accept_changes: bool,
    asked: Preemption,
    held: ExitStack,
) -> None:
    """Args: `held` closes what is opened here."""
    earlier = earlier_checkpoint(path, config)
    by_first(lambda: sweep(open_workdir(path, config, accept_changes=accept_changes)))
    together(lambda: read_config(path))  # a workdir that not all processes see
    checkpoints = Checkpoints(checkpoint_directory(path, config), config.keep_checkpoints, sweep=True)
    held.callback(checkpoints.close)
    latest = checkpoints.latest_step()
    start = of_first(earlier[1] if earlier else latest or 0)
    run = make_run(config)
    by_first(lambda: require_room(path, run.template, config.keep_checkpoints, len(checkpoints.steps())))
    frozen = together(lambda: load_frozen(run.method))
    frozen = jax.device_put(frozen, parameter_sharding(run.mesh, frozen))
    _introduce(run, path, start)
    if start >= config.num_steps:
        print(f"{path} is at step {start} of {config.num_steps} already: nothing to do; raise num_steps to go on")
        return
    state = checkpoints.restore(start, run.template) if latest is not None else run.initial_state()
    if earlier:
        state = take_over(state, *earlier)
        print(f"stage {config.stage}: parameters from {earlier[0]}, step {start}")
    by_first(lambda: truncate_metrics(path, start))
    skipped = SkippedRecords()
    batches = train_batches(config, start_step=start, skipped=skipped, **process_share(run.mesh))
    batches = device_batches(batches, partial(put_batch, run.mesh))
    telemetry = Telemetry(path, start) if is_first() else Mute()
    held.callback(telemetry.close)
    meters = held.enter_context(Meters(config, run.mesh, path, skipped))
    evaluate = evaluate if config.eval_every else None
    reached = _run_steps(run, state, frozen, start, batches, checkpoints, telemetry, meters, evaluate, asked)
    if reached < config.num_steps:
        print(f"stopped by {asked.reason}; the same command goes on from step {reached}")


def _newest(workdir: str | Path, config: ConfigDict) -> int:
    return max(steps_in(checkpoint_directory(Path(workdir), config)), default=0)


def _run_steps(
    run: Run,
    state: TrainState,
    frozen: Mapping[str, Any],
    start: int,
    batches: Iterator[Mapping[str, jax.Array]],
    checkpoints: Checkpoints,
    telemetry: Telemetry,
    meters: Meters,
    evaluate: Evaluate | None,
    asked: Preemption,
) -> int:
    """Trains from step `start` on; returns the last step, which is saved."""
    config = run.config
    step_function, batches = meters.watch(*_compile(run, state, frozen, batches), start)
    pictures = Pictures(run.method, config, run.mesh, run.frozen) if config.image_every else None
    pending: list[tuple[int, dict[str, jax.Array]]] = []
    asked.stepping = True
    with tqdm(total=config.num_steps, initial=start, unit="step", dynamic_ncols=True, disable=not is_first()) as bar:
        meters.restart()
        for step in range(start + 1, config.num_steps + 1):
            state, terms = step_function(state, frozen, next(batches))
            pending.append((step, terms))
            last, stop = step == config.num_steps, asked.stops_at(step)
            save = last or stop or _due(step, config.checkpoint_every)
            # Who is asked to stop has no time for more than saving.
            measure = evaluate is not None and not stop and (last or _due(step, config.eval_every))
            show = pictures is not None and not stop and (last or _due(step, config.image_every))
            log = last or measure or _due(step, config.log_every)
            if not (save or show or log):
                continue
            values = _settle(run, pending, checkpoints)
            figures = meters.read()
            bar.set_postfix_str(_summary(values, run.mesh.size * figures[RATE]), refresh=False)
            bar.update(step - bar.n)
            checkpoints.check()
            if save:
                _require_finite_parameters(step, state, checkpoints)
            try:
                if show:
                    bar.write(f"step {step}: {telemetry.picture(step, pictures(state))}")
                if measure:
                    values |= {f"eval/{name}": value for name, value in evaluate(run, state).items()}
                # Before saving: a run that is killed right after would not make these steps again.
                if log:
                    telemetry.scalars(step, values | figures)
                    if advice := meters.advice(figures):
                        bar.write(f"warning: {advice}")
            except Exception:
                if save:  # the steps are good, whatever failed to be told of them
                    checkpoints.save(step, state)
                raise
            if save:
                checkpoints.save(step, state)
            meters.restart()
            if stop:
                break
    checkpoints.wait()
    return step


def _compile(
    run: Run, state: TrainState, frozen: Mapping[str, Any], batches: Iterator[Mapping[str, jax.Array]]
) -> tuple[Callable[..., Any], Iterator[Mapping[str, jax.Array]]]:
    """The compiled step, and the batches with the one that was looked at put back."""
    first = next(batches)
    print("compiling the training step ...", end=" ", flush=True)
    began = time.perf_counter()
    compiled = run.jitted_step().lower(state, frozen, first).compile()
    print(f"{time.perf_counter() - began:.0f} s")
    return compiled, itertools.chain([first], batches)


def _settle(run: Run, pending: list[tuple[int, dict[str, jax.Array]]], checkpoints: Checkpoints) -> dict[str, float]:
    """Waits for the steps that are under way, checks all their terms, and gives the last one's."""
    phases = {phase.name: phase for phase in run.method.phases()}
    values: dict[str, float] = {}
    for step, terms in jax.device_get(pending):
        # `step` steps are done, so this one was number `step - 1`.
        values = {k: float(v) for k, v in terms.items() if phases[k.split("/")[0]].is_due(step - 1)}
        require_finite(step, values, partial(_last_good, checkpoints))
    pending.clear()
    return values


def _require_finite_parameters(step: int, state: TrainState, checkpoints: Checkpoints) -> None:
    """A finite loss can leave parameters that are not, by its gradient; those must not be saved."""
    sums = {f"parameters of {name}": float(value) for name, value in _sums(state.params).items()}
    require_finite(step, sums, partial(_last_good, checkpoints))


@jax.jit
def _sums(params: Mapping[str, Any]) -> dict[str, jax.Array]:
    return {name: sum(jnp.sum(x) for x in jax.tree.leaves(tree)) for name, tree in params.items()}


def _last_good(checkpoints: Checkpoints) -> str:
    checkpoints.wait()
    latest = checkpoints.latest_step()
    return "there is no checkpoint yet" if latest is None else f"the last good checkpoint is that of step {latest}"


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _summary(values: Mapping[str, float], rate: float) -> str:
    terms = " ".join(f"{name.split('/')[0][0]}/{name.split('/')[1]}={v:.2f}" for name, v in values.items())
    return f"{terms} {rate:.1f} images/s"


def _introduce(run: Run, workdir: Path, start: int) -> None:
    config = run.config
    size = f"{config.data.height}x{config.data.width}"
    data = f"{config.data.name}: {len(open_targets(config.data, 'train'))} images at {size}"
    sizes = {name: sum(int(np.prod(x.shape)) for x in jax.tree.leaves(t)) for name, t in run.template.params.items()}
    networks = ", ".join(f"{name} {size:,}" for name, size in sizes.items() if size)
    mesh = ", ".join(f"{axis} {size}" for axis, size in run.mesh.shape.items())
    print(f"{config.method} on {data}, batch {config.batch_size}, {config.compute_dtype}")
    print(f"parameters: {networks}")
    processes = f" in {jax.process_count()} processes" if jax.process_count() > 1 else ""
    print(f"devices: {run.mesh.size} x {jax.devices()[0].device_kind}{processes} ({mesh})")
    print(f"workdir: {workdir} (pictures in {workdir / IMAGES}, curves: tensorboard --logdir {workdir})")
    print(f"{'resuming from' if start else 'starting at'} step {start} of {config.num_steps}")
