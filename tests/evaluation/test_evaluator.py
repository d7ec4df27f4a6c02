import jax
import pytest

from jaxsyn.errors import UserError
from jaxsyn.evaluation import scenes_measure
from jaxsyn.evaluation.evaluator import evaluate, evaluate_in_training
from jaxsyn.evaluation.gallery import Gallery
from jaxsyn.evaluation.measures import choose_measures, exhibit
from tests.evaluation.tiny import Copy, Dim, Diverged, Noise, tiny_config, tiny_run


def scores_of(kind, config):
    run, state = tiny_run(kind, config)
    return {name: score.value for name, score in evaluate(run, state, choose_measures(config)).scores.items()}


@pytest.fixture(scope="module")
def dimmed():
    return scores_of(Dim, tiny_config())


def test_copies_of_the_true_images_have_perfect_scores():
    scores = scores_of(Copy, tiny_config())
    assert scores["ssim"] == pytest.approx(1, abs=1e-6)
    assert scores["l1"] == 0
    assert scores["psnr"] == float("inf")
    assert scores["scenes_miou_ratio"] == 1
    assert scores["scenes_miou"] == scores["scenes_miou_real"]
    assert scores["scenes_accuracy"] == scores["scenes_accuracy_real"]
    assert scores["scenes_fd"] == pytest.approx(0, abs=1e-6)


def test_worse_images_have_worse_scores(dimmed):
    noise = scores_of(Noise, tiny_config())
    for name in ("ssim", "psnr", "scenes_miou", "scenes_accuracy", "scenes_miou_ratio"):
        assert noise[name] < dimmed[name]
    for name in ("l1", "scenes_fd"):
        assert noise[name] > dimmed[name]
    for name in ("scenes_miou_real", "scenes_accuracy_real"):
        assert noise[name] == dimmed[name]


@pytest.mark.parametrize("batch_size", [5, 16])
def test_neither_the_batch_size_nor_the_padding_of_the_last_batch_changes_a_score(dimmed, batch_size):
    config = tiny_config()
    config.eval.batch_size = batch_size
    assert scores_of(Dim, config) == pytest.approx(dimmed, rel=1e-5)


@pytest.mark.skipif(jax.device_count() < 4, reason="needs 4 devices")
def test_devices_that_share_the_batch_and_the_image_height_find_the_same_scores(dimmed):
    config = tiny_config()
    config.mesh.data, config.mesh.space = 2, 2
    config.eval.batch_size = 3
    assert scores_of(Dim, config) == pytest.approx(dimmed, rel=1e-5)


def test_latents_follow_from_the_seed_alone():
    config = tiny_config()
    run, state = tiny_run(Noise, config)

    def l1():
        return evaluate(run, state, choose_measures(config)[:1]).scores["l1"].value

    first, second = l1(), l1()
    config.eval.seed = 1
    assert first == second
    assert l1() != first


def test_images_that_are_not_finite_are_an_error_that_names_the_step():
    run, state = tiny_run(Diverged, tiny_config())
    with pytest.raises(UserError, match=r"step 7 .* NaN or infinity: evaluate an earlier step"):
        evaluate(run, state, [])


def test_label_maps_of_fewer_classes_are_judged_in_those_classes():
    config = tiny_config()
    config.data.num_classes = 3
    few = scores_of(Copy, config)
    assert few["scenes_accuracy_real"] > scores_of(Copy, tiny_config())["scenes_accuracy_real"]


def test_without_the_judges_weights_its_scores_say_why_and_the_others_remain(monkeypatch):
    def absent():
        raise UserError("weights.npz: no such file")

    monkeypatch.setattr(scenes_measure, "load_judge", absent)
    run, state = tiny_run(Copy, tiny_config())
    scores = evaluate(run, state, choose_measures(run.config)).scores
    assert scores["scenes_miou"].value is None
    assert scores["scenes_miou"].note == "weights.npz: no such file"
    assert scores["l1"].value == 0


def test_the_protocol_says_what_was_measured():
    config = tiny_config()
    config.eval.num_images = 6
    run, state = tiny_run(Copy, config)
    found = evaluate(run, state, choose_measures(config))
    assert found.protocol["images"] == 6
    assert (found.protocol["height"], found.protocol["seed"], found.protocol["ema"]) == (32, 0, False)
    assert len(found.scores["scenes_fd"].protocol["scenes_segmenter_sha256"]) == 64
    assert "covariance is singular" in found.scores["scenes_fd"].note


def test_the_protocol_holds_what_the_method_adds():
    class Dropping(Copy):
        def protocol(self):
            return {"dropout": True}

    config = tiny_config()
    config.eval.num_images, config.eval.metrics = 2, ("l1",)
    run, state = tiny_run(Dropping, config)
    assert evaluate(run, state, choose_measures(config)).protocol["dropout"] is True


def test_in_training_only_finite_metrics_are_logged():
    metrics = evaluate_in_training(*tiny_run(Copy, tiny_config()))
    assert metrics["l1"] == 0
    assert "psnr" not in metrics


def test_the_gallery_keeps_the_nearest_and_the_farthest_images():
    gallery = Gallery(size=3)
    run, state = tiny_run(Dim, tiny_config())
    evaluate(run, state, [exhibit(gallery)])
    everything = Gallery(size=10)
    evaluate(run, state, [exhibit(everything)])
    ranked = sorted(e.distance for e in everything.first)
    assert len(ranked) == 10
    assert [e.distance for e in gallery.best] == ranked[:3]
    assert [e.distance for e in gallery.worst] == ranked[::-1][:3]
    assert [e.index for e in gallery.first] == [0, 1, 2]


def test_the_domain_judge_sees_whether_images_are_of_the_domain_asked_for():
    config = tiny_config()
    config.data.pairing, config.data.domains, config.eval.metrics = "unpaired", ("night", "day"), ("scenes_domain",)
    config.data.height = config.data.width = 64
    asked = scores_of(Copy, config)
    assert asked["scenes_domain_accuracy"] == asked["scenes_domain_accuracy_real"] > 0.8
    assert scores_of(Untranslated, config)["scenes_domain_accuracy"] < 0.2


class Untranslated(Copy):
    """Gives sources back."""

    def generate(self, nets, batch, rng):
        return batch["source"]
