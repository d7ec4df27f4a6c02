"""One pass over the evaluation images: generate on the devices, measure batch by batch, gather on the host."""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from jaxsyn.data import device_batches, eval_batches, open_source
from jaxsyn.errors import UserError
from jaxsyn.evaluation.images import quantise
from jaxsyn.evaluation.measures import Generated, Measure, choose_measures
from jaxsyn.evaluation.score import Score
from jaxsyn.training.runs import Run
from jaxsyn.training.sharding import batch_sharding, put_batch, replicated
from jaxsyn.training.state import TrainState, inference_nets


class Evaluation(NamedTuple):
    """The outcome of one pass.

    Attributes:
        scores: metric -> score.
        protocol: what all scores depend on: images, size, split, seed, averaging of parameters.
    """

    scores: dict[str, Score]
    protocol: dict[str, Any]


class Evaluator:
    """Evaluates states of a run; what generates is compiled once.

    Images are compared as 8-bit ones, rounded as a file would round them. The label maps, the order of the images and
    the latents (`config.eval.seed`, one key a batch) are the same at every call.
    """

    def __init__(self, run: Run):
        self._run = run
        everywhere = replicated(run.mesh)
        split = batch_sharding(run.mesh, jax.ShapeDtypeStruct((1, 1, 1, 3), jnp.uint8))
        self._generate = jax.jit(partial(_generate, run), out_shardings=(everywhere, everywhere, split, split))
        self._place = partial(put_batch, run.mesh)

    def __call__(self, state: TrainState, measures: list[Measure]) -> Evaluation:
        """
        Args:
            measures: fresh ones.

        Raises:
            UserError: the data is bad, or a generated image holds NaN or infinity.
        """
        run, config = self._run, self._run.config
        count = min(config.eval.num_images, len(open_source(config.data, "val")))
        with tqdm(total=count, desc="evaluating", unit="image", dynamic_ncols=True, leave=False) as bar:
            for index, batch in enumerate(device_batches(_host_batches(run, count), self._place)):
                mask, finite, real, fake = self._generate(state, batch, index)
                mask = np.asarray(mask)
                if not np.asarray(finite)[mask].all():
                    raise UserError(
                        f"step {int(state.step)} generates images with NaN or infinity: evaluate an earlier step, or "
                        "train again with lower rates in optimizer.learning_rate"
                    )
                for measure in measures:
                    measure.add(Generated(batch, real, fake, mask))
                bar.update(int(mask.sum()))
        scores = {name: score for measure in measures for name, score in measure.scores().items()}
        return Evaluation(scores, _protocol(run, state, count))


def periodic(run: Run) -> Callable[[TrainState], dict[str, float]]:
    """What the training loop calls every `config.eval_every` steps: state -> finite metrics by name."""
    evaluator = Evaluator(run)

    def metrics(state: TrainState) -> dict[str, float]:
        scores = evaluator(state, choose_measures(run.config)).scores
        return {name: s.value for name, s in scores.items() if s.value is not None and math.isfinite(s.value)}

    return metrics


def _generate(
    run: Run, state: TrainState, batch: Mapping[str, jax.Array], index: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Mask [B], whether the generated image is finite [B], true images and generated ones, uint8 [B, H, W, 3]."""
    inputs = {name: array for name, array in batch.items() if name != "mask"}
    rng = jax.random.fold_in(jax.random.key(run.config.eval.seed), index)
    nets = inference_nets(run.method, state, use_ema=run.config.eval.use_ema)
    fake = run.method.generate(nets, inputs, rng).astype(jnp.float32)
    return batch["mask"], jnp.isfinite(fake).all((1, 2, 3)), quantise(inputs["image"]), quantise(fake)


def _host_batches(run: Run, count: int) -> Iterator[dict[str, np.ndarray]]:
    batches = eval_batches(
        run.config,
        batch_size=_batch_size(run),
        limit=count,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
    )
    for batch in batches:
        yield {name: array for name, array in batch.items() if name != "name"}


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
        "height": config.data.height,
        "width": config.data.width,
        "rounded_to_8_bits": True,
        "seed": config.eval.seed,
        "batch_size": _batch_size(run),
        "ema": bool(config.eval.use_ema and state.ema),
    }
