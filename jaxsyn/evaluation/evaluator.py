"""One pass over the evaluation images: generate on the devices, measure batch by batch, gather on the host."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh
from ml_collections import ConfigDict
from tqdm import tqdm

from jaxsyn.data import device_batches, eval_batches, targets_alone
from jaxsyn.errors import UserError
from jaxsyn.evaluation.images import quantise
from jaxsyn.evaluation.measures import (
    Generated,
    Measure,
    choose_measures,
    evaluated_images,
    reference_images,
)
from jaxsyn.evaluation.score import Score
from jaxsyn.methods import Method
from jaxsyn.training.processes import is_first
from jaxsyn.training.runs import Run
from jaxsyn.training.sharding import batch_sharding, process_share, put_batch, replicated
from jaxsyn.training.state import TrainState, inference_nets


class Evaluation(NamedTuple):
    """The outcome of one pass.

    Attributes:
        scores: metric -> score.
        protocol: what all scores depend on: images, size, split, seed, averaging of parameters.
    """

    scores: dict[str, Score]
    protocol: dict[str, Any]


def evaluate(run: Run, state: TrainState, measures: Sequence[Measure]) -> Evaluation:
    """Generates an image for every evaluation label map and adds it to the measures.

    Images are compared as 8-bit ones, rounded as a file would round them. The label maps and the order of the images
    are the same at every call, the latents too. `Method.generate` takes one key a batch, so an image's latents depend
    on its sample's seed (`config.eval.seed` + sample) and on `config.eval.batch_size`, which the protocol records.

    Args:
        measures: new ones, as `choose_measures` makes them.

    Raises:
        UserError: the data is bad, or a generated image holds NaN or infinity.
    """
    config = run.config
    count = evaluated_images(config)
    seeds = _seeds(config)
    _add_reference(run, measures)
    batches = _batches(run, "val", count)
    with _progress(count, "evaluating") as bar:
        for index, batch in enumerate(batches):
            samples, source = [], _quantise(batch["source"]) if "source" in batch else None
            for seed in seeds:
                rng = jax.random.fold_in(jax.random.key(seed), index)
                mask, finite, real, fake = _generate(run.method, run.mesh, state, run.frozen, batch, rng)
                mask = np.asarray(mask)
                if not np.asarray(finite)[mask].all():
                    raise UserError(
                        f"step {int(state.step)} generates images with NaN or infinity: evaluate an earlier step, or "
                        "train again with lower rates in optimizer.learning_rate"
                    )
                samples.append(fake)
            for measure in measures:
                measure.add(Generated(batch, real, source, tuple(samples), mask))
            bar.update(int(mask.sum()))
    scores = {name: score for measure in measures for name, score in measure.scores().items()}
    return Evaluation(scores, _protocol(run, state, count))


def _progress(count: int, what: str) -> tqdm:
    return tqdm(total=count, desc=what, unit="image", dynamic_ncols=True, leave=False, disable=not is_first())


def evaluate_in_training(run: Run, state: TrainState) -> dict[str, float]:
    """What the training loop calls every `config.eval_every` steps: the finite metrics by name."""
    scores = evaluate(run, state, choose_measures(run.config)).scores
    return {name: s.value for name, s in scores.items() if s.value is not None and math.isfinite(s.value)}


# Method and mesh are compared by identity, so evaluating one run again does not compile again.
@partial(jax.jit, static_argnums=(0, 1))
def _generate(
    method: Method,
    mesh: Mesh,
    state: TrainState,
    frozen: Mapping[str, Any],
    batch: Mapping[str, jax.Array],
    rng: jax.Array,
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Mask [B], whether the generated image is finite [B], true images and generated ones, uint8 [B, H, W, 3]."""
    inputs = {name: array for name, array in batch.items() if name != "mask"}
    nets = inference_nets(method, state, use_ema=method.config.eval.use_ema, frozen=frozen)
    fake = method.generate(nets, inputs, rng).astype(jnp.float32)
    flags = batch["mask"], jnp.isfinite(fake).all((1, 2, 3))
    images = quantise(inputs["image"]), quantise(fake)
    flags = lax.with_sharding_constraint(flags, replicated(mesh))
    return *flags, *lax.with_sharding_constraint(images, batch_sharding(mesh, fake))


def _add_reference(run: Run, measures: Sequence[Measure]) -> None:
    """Hands the images of the split `config.eval.reference` to the measures that ask for them."""
    asking = [measure.add_reference for measure in measures if measure.add_reference]
    if not asking:
        return
    count = reference_images(run.config)
    with _progress(count, "real images") as bar:
        for batch in _batches(run, run.config.eval.reference, count, targets_only=True):
            mask = np.asarray(lax.with_sharding_constraint(batch["mask"], replicated(run.mesh)))
            for add in asking:
                add(_quantise(batch["image"]), mask)
            bar.update(int(mask.sum()))


_quantise = jax.jit(quantise)


def _batches(run: Run, split: str, count: int, *, targets_only: bool = False) -> Iterator[dict[str, jax.Array]]:
    """The first `count` records of the split, on the devices; of unpaired sets the results' side alone if so asked."""
    config = run.config
    if targets_only:
        config = config.copy_and_resolve_references()
        config.data = targets_alone(config.data)
    batches = eval_batches(
        config,
        split,
        batch_size=_batch_size(run),
        limit=count,
        **process_share(run.mesh),
    )
    nameless = ({name: array for name, array in batch.items() if name != "name"} for batch in batches)
    return device_batches(nameless, partial(put_batch, run.mesh))


def _seeds(config: ConfigDict) -> tuple[int, ...]:
    """The seed of the latents of each sample of an input."""
    samples = config.eval.samples_per_input
    if samples < 1:
        raise UserError(f"eval.samples_per_input={samples}: set how many images an input has, at least 1")
    return tuple(range(config.eval.seed, config.eval.seed + samples))


def _batch_size(run: Run) -> int:
    """`eval.batch_size`, rounded up to what the devices share out evenly; rows that pad are masked anyway."""
    ways = run.mesh.shape["data"] * run.mesh.shape["fsdp"]
    return -(-run.config.eval.batch_size // ways) * ways


def _protocol(run: Run, state: TrainState, count: int) -> dict[str, Any]:
    config = run.config
    return {
        "method": config.method,
        "data": config.data.name,
        "split": config.data.eval_split,
        "images": count,
        "reference": config.eval.reference,
        "reference_images": reference_images(config),
        "height": config.data.height,
        "width": config.data.width,
        "rounded_to_8_bits": True,
        "seed": config.eval.seed,
        "sample_seeds": list(_seeds(config)),
        "batch_size": _batch_size(run),
        "ema": bool(config.eval.use_ema and state.ema),
        **run.method.protocol(),
    }
