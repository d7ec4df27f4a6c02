"""Evaluations of methods that translate pictures."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.evaluation import inception_measure
from jaxsyn.evaluation.evaluator import evaluate
from jaxsyn.evaluation.gallery import Gallery
from jaxsyn.evaluation.inception import InceptionProtocol
from jaxsyn.evaluation.measures import choose_measures, chosen_metrics, exhibit
from tests.evaluation.tiny import Copy, MeanColour, Untrained, load_ones, tiny_config, tiny_run


class Keep(Untrained):
    """Hands the source back."""

    def generate(self, nets, batch, rng):
        return batch["source"]


class Darken(Untrained):
    def generate(self, nets, batch, rng):
        return jnp.clip(batch["source"] - 0.5, -1, 1)


def unpaired_config(*metrics):
    config = tiny_config()
    config.data.pairing, config.data.source_domain, config.data.domain = "unpaired", "day", "night"
    config.eval.metrics = metrics
    return config


def scores_of(kind, config):
    return evaluate(*tiny_run(kind, config), choose_measures(config)).scores


def test_metrics_of_pairs_do_not_apply_to_unpaired_sets():
    assert not {"l1", "ssim", "swd"} & set(chosen_metrics(unpaired_config()))
    assert {"fid", "scenes"} <= set(chosen_metrics(unpaired_config()))
    with pytest.raises(UserError, match="l1 compares images of pairs"):
        choose_measures(unpaired_config("l1"))


def test_an_untranslated_source_shows_its_label_map_but_looks_like_its_own_domain():
    kept, darkened = (scores_of(kind, unpaired_config("scenes")) for kind in (Keep, Darken))
    assert kept["scenes_miou_ratio"].value == 1
    assert darkened["scenes_fd"].value < kept["scenes_fd"].value


def test_the_distribution_of_results_is_compared_with_that_of_all_targets(monkeypatch):
    protocol = InceptionProtocol(MeanColour(), "inception", lambda images: images / 255.0)
    monkeypatch.setitem(inception_measure.PROTOCOLS, "pytorch_fid", protocol)
    monkeypatch.setattr(inception_measure, "load_weights", load_ones)
    config = unpaired_config("fid")
    config.eval.num_images = 4
    run, state = tiny_run(Copy, config)
    found = evaluate(run, state, choose_measures(config))
    assert found.protocol["images"] == 4
    assert found.protocol["reference_images"] == 10
    assert found.scores["fid"].value < scores_of(Keep, config)["fid"].value


def test_the_gallery_shows_the_source():
    config = unpaired_config("scenes")
    gallery = Gallery(size=2)
    evaluate(*tiny_run(Keep, config), [exhibit(gallery)])
    np.testing.assert_array_equal(gallery.first[0].given, gallery.first[0].samples[0])
