import jax
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.evaluation import inception_measure, pair_distance
from jaxsyn.evaluation.evaluator import evaluate
from jaxsyn.evaluation.inception import InceptionProtocol
from jaxsyn.evaluation.measures import METRICS, choose_gallery, choose_measures, chosen_metrics, exhibit
from jaxsyn.evaluation.metrics import lpips
from tests.evaluation.tiny import Dim, MeanColour, Noise, Taps, load_ones, tiny_config, tiny_run


@pytest.fixture
def weights(monkeypatch):
    """Every public file is there, of networks that are tiny."""
    protocol = InceptionProtocol(MeanColour(), "inception", lambda images: images / 255.0)
    monkeypatch.setitem(inception_measure.PROTOCOLS, "pytorch_fid", protocol)
    for net in lpips.BACKBONES:
        monkeypatch.setitem(lpips.BACKBONES, net, lpips.Backbone(Taps(), (), (3, 3)))
    monkeypatch.setattr(pair_distance.dipd, "NETWORK", Taps())
    for module in (inception_measure, pair_distance):
        monkeypatch.setattr(module, "load_weights", load_ones)


def config_of(*metrics):
    config = tiny_config()
    config.eval.metrics = metrics
    return config


def scores_of(kind, config):
    return evaluate(*tiny_run(kind, config), choose_measures(config)).scores


def test_without_a_choice_every_metric_that_applies_is_measured(weights):
    scores = scores_of(Dim, config_of())
    assert [name for name, score in scores.items() if score.value is None or not np.isfinite(score.value)] == []
    assert set(scores) == {
        *pair_distance.METRICS,
        *(f"scenes_{name}{side}" for name in ("miou", "accuracy") for side in ("", "_real")),
        *("scenes_miou_ratio", "scenes_fd", "fid", "kid", "is", "precision", "recall", "density", "coverage"),
        *("swd_32x32", "swd_16x16", "swd"),
    }


def test_without_weights_the_metrics_that_need_none_are_measured_and_each_other_names_its_files():
    scores = scores_of(Dim, config_of())
    files = {
        "lpips": ["alexnet-owt-7be5be79.pth", "lpips_v0.1_alex.pth"],
        "lpips_vgg": ["vgg16-397923af.pth", "lpips_v0.1_vgg.pth"],
        "lpips_squeeze": ["squeezenet1_1-b8a52dc0.pth", "lpips_v0.1_squeeze.pth"],
        "dipd": ["vgg16-397923af.pth"],
        **{metric: ["pt_inception-2015-12-05-6726825d.pth"] for metric in inception_measure.METRICS if metric != "cis"},
    }
    assert {name for name, score in scores.items() if score.value is None} == set(files)
    for name, needed in files.items():
        assert [line.split()[1].rstrip(":") for line in scores[name].missing] == needed


def test_only_what_was_chosen_is_measured():
    assert list(scores_of(Dim, config_of("rmse", "l1"))) == ["rmse", "l1"]


def test_names_may_stand_with_commas_between_as_on_a_command_line():
    assert chosen_metrics(config_of("fid, kid,l1")) == ("fid", "kid", "l1")


@pytest.mark.parametrize(
    ("metric", "change", "message"),
    [
        ("fidd", {}, "unknown metric fidd; choose from ssim"),
        ("segmentation", {}, "knows cityscapes, ade20k, coco_stuff, not data.name=scenes"),
        ("l1_diversity", {}, "set eval.samples_per_input to at least 2"),
        ("ms_ssim", {"height": 40}, "must divide by 16, found 32x40"),
        ("swd", {"height": 66, "width": 68}, "found 66x68"),
        ("scenes", {"name": "custom"}, "data.name=custom"),
        ("segmentation", {"name": "cityscapes", "width": 33}, "divide by 8, not 33x32"),
    ],
)
def test_a_metric_that_does_not_apply_is_an_error_if_chosen_and_left_out_if_not(metric, change, message):
    config = config_of(metric)
    config.data.update(change)
    with pytest.raises(UserError, match=message):
        chosen_metrics(config)
    config.eval.metrics = ()
    assert metric not in chosen_metrics(config)
    assert set(chosen_metrics(config)) < set(METRICS)


def test_an_unknown_way_into_inception_is_an_error_that_lists_the_known():
    config = config_of("fid")
    config.eval.inception_protocol = "tf"
    with pytest.raises(UserError, match=r"eval.inception_protocol=tf: choose from tensorflow, pytorch_fid"):
        choose_measures(config)


def test_few_images_leave_out_the_neighbours_alone(weights):
    config = config_of("fid", "precision_recall")
    config.eval.num_images = 3
    scores = scores_of(Dim, config)
    assert scores["fid"].value is not None
    assert scores["recall"].value is None
    assert "need more than 3 images, found 3" in scores["recall"].note


def test_images_are_ranked_by_lpips_where_its_weights_are(weights):
    config = config_of("lpips")
    run, state = tiny_run(Noise, config)
    gallery = choose_gallery(config)
    assert gallery.ranked_by == "LPIPS"
    lpips_scores = evaluate(run, state, [*choose_measures(config), exhibit(gallery)]).scores["lpips"]
    distances = [e.distance for e in gallery.worst]
    assert distances == sorted(distances, reverse=True)
    assert min(e.distance for e in gallery.best) < lpips_scores.value < distances[0]


def test_images_are_ranked_by_l1_without_the_weights_or_without_lpips(weights, monkeypatch):
    assert choose_gallery(config_of("l1")).ranked_by == "L1"
    monkeypatch.undo()
    assert choose_gallery(config_of("lpips")).ranked_by == "L1"


def test_samples_differ_by_what_the_method_draws(weights):
    config = config_of("l1", "l1_diversity", "lpips_diversity")
    config.eval.samples_per_input = 3
    scores = scores_of(Noise, config)
    # Two independent uniform draws in [-1, 1] are 2 / 3 apart on average.
    assert scores["l1_diversity"].value == pytest.approx(2 / 3, abs=0.01)
    assert scores["lpips_diversity"].value > 0
    assert scores["l1_diversity"].protocol.items() >= {"samples_per_input": 3, "pairs_per_input": 3}.items()
    config.eval.samples_per_input = 1
    config.eval.metrics = ("l1",)
    assert scores_of(Noise, config)["l1"].value == scores["l1"].value


def test_a_method_that_draws_nothing_has_no_diversity_and_the_note_says_so():
    config = config_of("l1_diversity")
    config.eval.samples_per_input = 2
    score = scores_of(Dim, config)["l1_diversity"]
    assert score.value == 0
    assert "draws nothing" in score.note


def test_sample_seeds_are_recorded_and_a_sample_can_be_made_again():
    config = config_of("l1")
    config.eval.samples_per_input, config.eval.seed = 2, 5
    run, state = tiny_run(Noise, config)
    found = evaluate(run, state, choose_measures(config))
    assert found.protocol["sample_seeds"] == [5, 6]
    assert scores_of(Noise, config)["l1"] == found.scores["l1"]


def test_no_sample_of_an_input_is_an_error():
    config = config_of("l1")
    config.eval.samples_per_input = 0
    with pytest.raises(UserError, match=r"eval.samples_per_input=0: set"):
        evaluate(*tiny_run(Dim, config), [])


def test_the_samples_of_an_input_that_differ_have_a_conditional_inception_score(weights, monkeypatch):
    def load_ramp(name, template, **options):
        ones = load_ones(name, template)
        ramp = jax.tree.map(lambda leaf: 0.1 * np.arange(leaf.size).reshape(leaf.shape), ones.variables)
        return ones._replace(variables=ramp)

    monkeypatch.setattr(inception_measure, "load_weights", load_ramp)
    config = config_of("cis")
    config.eval.samples_per_input = 3
    noise, same = (scores_of(kind, config)["cis"] for kind in (Noise, Dim))
    assert noise.value > same.value == pytest.approx(1)
    assert noise.protocol["samples_per_input"] == 3


def test_one_sample_has_no_conditional_inception_score():
    with pytest.raises(UserError, match=r"cis compares images of one input: set eval\.samples_per_input"):
        choose_measures(config_of("cis"))


def test_generated_images_are_compared_with_all_training_images_where_the_config_says_so(weights):
    config = config_of("fid", "l1")
    config.data.train_length = 7
    against_evaluated = scores_of(Dim, config)
    config.eval.reference = "train"
    run, state = tiny_run(Dim, config)
    first = evaluate(run, state, choose_measures(config))
    assert first.protocol["reference_images"] == 7
    assert first.scores["fid"].value != against_evaluated["fid"].value
    assert first.scores["l1"].value == against_evaluated["l1"].value
    again = evaluate(run, state, choose_measures(config)).scores["fid"]
    assert "reused" in again.note
    assert again.value == first.scores["fid"].value


def test_a_reference_that_is_no_split_is_an_error():
    config = config_of("fid")
    config.eval.reference = "test"
    with pytest.raises(UserError, match=r"eval\.reference=test: set val .* or train"):
        choose_measures(config)
