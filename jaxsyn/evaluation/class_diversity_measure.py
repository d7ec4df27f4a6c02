"""Does a class's latent change that class, and nothing else? mCSD and mOCD (SMIS), and the same in pixels."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental.multihost_utils import process_allgather
from jax.sharding import Mesh
from tqdm import tqdm

from jaxsyn.data import eval_batches
from jaxsyn.evaluation.images import quantise
from jaxsyn.evaluation.metrics.class_diversity import class_diversity, region_mean
from jaxsyn.evaluation.pair_distance import PairDistance, pair_distance
from jaxsyn.evaluation.score import Score
from jaxsyn.evaluation.weights import MissingWeights, skipped
from jaxsyn.methods import Method
from jaxsyn.training.runs import Run
from jaxsyn.training.sharding import batch_sharding, process_share, put_batch
from jaxsyn.training.state import TrainState, inference_nets

# Inputs from which a class's pairs are taken, in turn; each pair is two images of one input.
INPUTS = 100


def class_diversity_scores(run: Run, state: TrainState) -> dict[str, Score]:
    """`config.eval.class_pairs` pairs a class: two images of one input whose latents differ in that class alone.

    "mcsd" and "mocd" are LPIPS (AlexNet) of the pairs with everything else, or the class itself, in mid-grey;
    "l1_inside" and "l1_outside" the mean absolute difference of the class's pixels and of all others, in [-1, 1];
    "l1_locality" is their ratio. Means over the classes that the first `INPUTS` label maps hold.
    """
    config = run.config
    lpips = pair_distance("lpips", config.eval.download)
    inputs = _inputs(run)
    classes = [c for c in range(run.method.num_classes) if (inputs["label"] == c).any()]
    found: list[list[np.ndarray]] = []
    for c in tqdm(classes, desc="classes", unit="class", dynamic_ncols=True, leave=False):
        batches = [_distances(run, state, lpips, *batch, c) for batch in _batches(run, inputs, c)]
        found.append([np.concatenate(values)[: config.eval.class_pairs] for values in zip(*batches, strict=True)])
    of_classes = [np.stack(values) for values in zip(*found, strict=True)]
    record = {"classes": len(classes), "pairs_per_class": config.eval.class_pairs, "seed": config.eval.seed}
    return _scores(of_classes, lpips, record)


def _scores(
    distances: list[np.ndarray], lpips: PairDistance | tuple[MissingWeights, ...], record: dict[str, int]
) -> dict[str, Score]:
    pixels = class_diversity(*distances[:2])
    ratio = pixels.mcsd / pixels.mocd if pixels.mocd else float("inf")
    scores = {
        "l1_inside": Score(pixels.mcsd, "", record),
        "l1_outside": Score(pixels.mocd, "", record),
        "l1_locality": Score(ratio, "", record),
    }
    if not isinstance(lpips, PairDistance):
        return {"mcsd": skipped(*lpips), "mocd": skipped(*lpips), **scores}
    features = class_diversity(*distances[2:])
    record = {**record, **lpips.record}
    return {"mcsd": Score(features.mcsd, "", record), "mocd": Score(features.mocd, "", record), **scores}


def _inputs(run: Run) -> dict[str, np.ndarray]:
    """The first evaluation records, on the host, without their images."""
    count = min(INPUTS, run.config.eval.num_images)
    batches = eval_batches(run.config, batch_size=1, limit=count)
    records = [
        {key: array for key, array in batch.items() if key not in ("name", "image", "mask")} for batch in batches
    ]
    return {key: np.concatenate([record[key] for record in records]) for key in records[0]}


def _batches(run: Run, inputs: dict[str, np.ndarray], c: int) -> list[tuple[dict[str, jax.Array], int]]:
    """Batches of inputs that hold the class, each with its number: enough for the pairs, taking inputs in turn."""
    ways = run.mesh.shape["data"] * run.mesh.shape["fsdp"]
    size = -(-run.config.eval.batch_size // ways) * ways
    holders = np.flatnonzero((inputs["label"] == c).any((1, 2)))
    count = -(-run.config.eval.class_pairs // size)
    share = process_share(run.mesh)
    shares = np.resize(holders, count * size).reshape(count, share["process_count"], -1)[:, share["process_index"]]
    return [
        (put_batch(run.mesh, {key: array[rows] for key, array in inputs.items()}), index)
        for index, rows in enumerate(shares)
    ]


def _distances(
    run: Run,
    state: TrainState,
    lpips: PairDistance | tuple[MissingWeights, ...],
    batch: dict[str, jax.Array],
    index: int,
    c: int,
) -> list[np.ndarray]:
    """Of the pairs of a batch: difference in and outside the class, and LPIPS likewise where its weights are there."""
    kept, first, second = (
        jax.random.fold_in(jax.random.fold_in(jax.random.key(run.config.eval.seed), index), part) for part in range(3)
    )
    images = [_generate(run.method, run.mesh, state, batch, kept, jnp.int32(c), key) for key in (first, second)]
    inside = batch["label"] == c
    distances = list(_pixel_distances(*images, inside))
    if isinstance(lpips, PairDistance):
        distances += [lpips.measure(*_confined(*images, region)) for region in (inside, ~inside)]
    return list(process_allgather(distances, tiled=True))


# Method and mesh are compared by identity, so evaluating one run again does not compile again.
@partial(jax.jit, static_argnums=(0, 1))
def _generate(
    method: Method,
    mesh: Mesh,
    state: TrainState,
    batch: dict[str, jax.Array],
    rng: jax.Array,
    class_id: jax.Array,
    class_rng: jax.Array,
) -> jax.Array:
    nets = inference_nets(method, state, use_ema=method.config.eval.use_ema)
    images = quantise(method.resample_class(nets, batch, rng, class_id, class_rng).astype(jnp.float32))
    return lax.with_sharding_constraint(images, batch_sharding(mesh, images))


@jax.jit
def _pixel_distances(first: jax.Array, second: jax.Array, inside: jax.Array) -> tuple[jax.Array, jax.Array]:
    difference = jnp.abs(first.astype(jnp.float32) - second.astype(jnp.float32)).mean(-1) / 127.5
    # A class that fills an image leaves nothing outside it to change.
    return region_mean(difference, inside), jnp.nan_to_num(region_mean(difference, ~inside))


@jax.jit
def _confined(first: jax.Array, second: jax.Array, region: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Both images, as 8-bit values in float32, with mid-grey outside the region."""
    return tuple(jnp.where(region[..., None], image.astype(jnp.float32), 127.5) for image in (first, second))
