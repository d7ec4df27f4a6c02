"""Evaluates as one of several processes: python -m tests.evaluation.two_processes PORT COUNT INDEX; prints JSON."""

import json
import sys

import jax

from jaxsyn.evaluation import inception_measure, pair_distance
from jaxsyn.evaluation.evaluator import evaluate
from jaxsyn.evaluation.inception import InceptionProtocol
from jaxsyn.evaluation.measures import choose_gallery, choose_measures, exhibit
from jaxsyn.evaluation.metrics import lpips
from tests.evaluation.tiny import Dim, MeanColour, Taps, load_ones, tiny_config, tiny_run


def main(port: int, count: int, index: int) -> None:
    """Joins the others, evaluates tiny images with tiny networks, prints the scores and the ranking of the images."""
    if count > 1:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(f"localhost:{port}", count, index)
    protocol = InceptionProtocol(MeanColour(), "inception", lambda images: images / 255.0)
    inception_measure.PROTOCOLS["pytorch_fid"] = protocol
    lpips.BACKBONES["alex"] = lpips.Backbone(Taps(), (), (3, 3))
    inception_measure.load_weights = pair_distance.load_weights = load_ones
    config = tiny_config()
    config.mesh.data = -1
    config.eval.metrics = ("l1", "lpips", "fid", "swd", "l1_diversity")
    config.eval.samples_per_input = 2
    gallery = choose_gallery(config)
    found = evaluate(*tiny_run(Dim, config), [*choose_measures(config), exhibit(gallery)])
    scores = {name: score.value for name, score in found.scores.items()}
    print(json.dumps({"scores": scores, "best": [e.index for e in gallery.best]}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
