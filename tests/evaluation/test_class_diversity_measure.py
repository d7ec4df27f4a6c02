import pytest

from jaxsyn.errors import UserError
from jaxsyn.evaluation.class_diversity_measure import class_diversity_scores
from jaxsyn.evaluation.measures import measures_class_diversity
from tests.evaluation.tiny import Blobs, Dim, LeakyBlobs, tiny_config, tiny_run


def scores_of(kind, **options):
    config = tiny_config()
    config.eval.metrics = ("class_diversity",)
    config.eval.update(options)
    run, state = tiny_run(kind, config)
    assert measures_class_diversity(run.method)
    return class_diversity_scores(run, state)


def test_a_latent_that_changes_its_class_alone_leaves_the_rest_as_it_is():
    scores = scores_of(Blobs)
    assert scores["l1_inside"].value > 0.3
    assert scores["l1_outside"].value == 0
    assert scores["l1_locality"].value == float("inf")


def test_a_leak_is_measured():
    scores = scores_of(LeakyBlobs)
    assert scores["l1_outside"].value == pytest.approx(0.1 * scores["l1_inside"].value, rel=0.2)
    assert scores["l1_locality"].value == pytest.approx(10, rel=0.2)


def test_the_protocol_counts_classes_and_pairs_and_without_weights_pixels_alone_are_compared():
    scores = scores_of(Blobs, class_pairs=3)
    record = scores["l1_inside"].protocol
    assert record["pairs_per_class"] == 3
    assert 2 <= record["classes"] <= 12
    assert scores["mcsd"].value is None
    assert "lpips_v0.1_alex.pth" in " ".join(scores["mcsd"].missing)


def test_a_method_without_latents_of_classes_has_no_class_diversity():
    with pytest.raises(UserError, match="class_diversity changes the latent of one class, and this tiny has none"):
        scores_of(Dim)


def test_images_too_small_for_lpips_are_an_error_that_says_so():
    config = tiny_config()
    config.eval.metrics = ("class_diversity",)
    config.data.height = 16
    with pytest.raises(UserError, match="lpips needs images of at least 32x32"):
        measures_class_diversity(Blobs(config))
