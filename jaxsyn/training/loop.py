"""The training loop."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
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
from jaxsyn.training.checkpoints import Checkpoints
from jaxsyn.training.frozen import load_frozen, require_frozen_files
from jaxsyn.training.meters import RATE, Meters
from jaxsyn.training.pictures import Pictures
from jaxsyn.training.preemption import Preemption, preemption
from jaxsyn.training.runs import Run, make_run
from jaxsyn.training.sharding import make_mesh, parameter_sharding, put_batch
from jaxsyn.training.stages import checkpoint_directory, earlier_checkpoint, take_over
from jaxsyn.training.state import TrainState
from jaxsyn.training.telemetry import Telemetry, require_finite
from jaxsyn.training.workdir import IMAGES, open_workdir, truncate_metrics

Evaluate = Callable[[Run, TrainState], Mapping[str, float]]


def train(config: ConfigDict, workdir: str | Path, evaluate: Evaluate | None = None) -> None:
    """Trains until `config.num_steps`, from the newest checkpoint in `workdir` where there is one.

    A later stage of a recipe in stages goes on from the newest checkpoint of the ones before it.

    The devices run ahead of the host, which waits for them only where it logs. A loss that is not finite stops the run
    before anything is saved after it. SIGTERM, or Ctrl-C, ends it after the step under way, which is saved.

    Args:
        evaluate: called every `config.eval_every` steps; its figures are logged as `eval/NAME`.

    Raises:
        UserError: the config, the data, the workdir or a weight file is unusable; or a loss became non-finite.
    """
    # Their errors take no time; looking through the data may.
    make_mesh(config)
    require_frozen_files(build(config))
    check_source(config.data, "train")
    earlier = earlier_checkpoint(Path(workdir), config)
    path = open_workdir(workdir, config)
    checkpoints = Checkpoints(checkpoint_directory(path, config), config.keep_checkpoints)
    latest = checkpoints.latest_step()
    start = earlier[1] if earlier else latest or 0
    run = make_run(config)
    frozen = load_frozen(run.method)
    frozen = jax.device_put(frozen, parameter_sharding(run.mesh, frozen))
    _introduce(run, path, start)
    if start >= config.num_steps:
        print(f"{path} is at step {start} of {config.num_steps} already: nothing to do; raise num_steps to go on")
        checkpoints.close()
        return
    state = checkpoints.restore(start, run.template) if latest is not None else run.initial_state()
    if earlier:
        state = take_over(state, *earlier)
        print(f"stage {config.stage}: parameters from {earlier[0]}, step {start}")
    truncate_metrics(path, start)
    skipped = SkippedRecords()
    batches = train_batches(config, start_step=start, skipped=skipped, **_processes())
    batches = device_batches(batches, partial(put_batch, run.mesh))
    telemetry = Telemetry(path)
    evaluate = evaluate if config.eval_every else None
    try:
        with preemption() as asked, Meters(config, run.mesh, path, skipped) as meters:
            _run_steps(run, state, frozen, start, batches, checkpoints, telemetry, meters, evaluate, asked)
        if asked.reason:
            print(f"stopped by {asked.reason}; the same command goes on from step {checkpoints.latest_step()}")
    except KeyboardInterrupt:
        print(f"\nstopped; the same command goes on from step {checkpoints.latest_step() or start}")
    finally:
        checkpoints.close()
        telemetry.close()


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
) -> None:
    config = run.config
    step_function, batches = meters.watch(*_compile(run, state, frozen, batches), start)
    pictures = Pictures(run.method, config, run.mesh, run.frozen) if config.image_every else None
    pending: list[tuple[int, dict[str, jax.Array]]] = []
    with tqdm(total=config.num_steps, initial=start, unit="step", dynamic_ncols=True) as bar:
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
            if save:
                _require_finite_parameters(step, state, checkpoints)
                checkpoints.save(step, state)
            if show:
                bar.write(f"step {step}: {telemetry.picture(step, pictures(state))}")
            if measure:
                values |= {f"eval/{name}": value for name, value in evaluate(run, state).items()}
            if log:
                telemetry.scalars(step, values | figures)
                if advice := meters.advice(figures):
                    bar.write(f"warning: {advice}")
            meters.restart()
            if stop:
                break
    checkpoints.wait()


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
        require_finite(step, values, _last_good(checkpoints))
    pending.clear()
    return values


def _require_finite_parameters(step: int, state: TrainState, checkpoints: Checkpoints) -> None:
    """A finite loss can leave parameters that are not, by its gradient; those must not be saved."""
    sums = {f"parameters of {name}": float(value) for name, value in _sums(state.params).items()}
    require_finite(step, sums, _last_good(checkpoints))


@jax.jit
def _sums(params: Mapping[str, Any]) -> dict[str, jax.Array]:
    return {name: sum(jnp.sum(x) for x in jax.tree.leaves(tree)) for name, tree in params.items()}


def _last_good(checkpoints: Checkpoints) -> str:
    checkpoints.wait()
    latest = checkpoints.latest_step()
    return "there is no checkpoint yet" if latest is None else f"the last good checkpoint is that of step {latest}"


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _processes() -> dict[str, int]:
    return {"process_index": jax.process_index(), "process_count": jax.process_count()}


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
    print(f"devices: {run.mesh.size} x {jax.devices()[0].device_kind} ({mesh})")
    print(f"workdir: {workdir} (pictures in {workdir / IMAGES}, curves: tensorboard --logdir {workdir})")
    print(f"{'resuming from' if start else 'starting at'} step {start} of {config.num_steps}")
