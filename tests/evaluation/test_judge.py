import jax
import numpy as np
import pytest

from jaxsyn.data.scenes import DOMAINS, Scenes
from jaxsyn.errors import UserError
from jaxsyn.evaluation.judge import load_domain_judge, load_judge, save_judge
from jaxsyn.evaluation.metrics.segmentation import confusion_matrix, mean_iou


@pytest.fixture(scope="module")
def judge():
    return load_judge()


def test_the_packaged_segmenter_names_most_pixels_of_scenes_it_was_not_trained_on(judge):
    scenes = [Scenes(64, 64, split="val")[i] for i in range(16)]
    images = np.stack([scene["image"] for scene in scenes]) / np.float32(127.5) - 1
    logits, features = jax.jit(judge.network.apply)(judge.variables, images)
    confusion = confusion_matrix(np.stack([scene["label"] for scene in scenes]), logits.argmax(-1), 12)
    # A judge that tolerates blur and noise names fewer pixels of sharp scenes than one trained on those alone (0.90).
    assert mean_iou(confusion) > 0.75
    assert features.shape == (16, judge.network.widths[-1])


def test_a_saved_judge_is_loaded_as_it_was(judge, tmp_path):
    path = tmp_path / "weights.npz"
    save_judge(judge.variables, path)
    loaded = load_judge(path)
    assert loaded.network == judge.network
    jax.tree.map(np.testing.assert_array_equal, loaded.variables, judge.variables)


def test_weights_of_another_network_are_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, weight=np.zeros(3))
    with pytest.raises(UserError, match=r"other.npz: no entry logits.bias"):
        load_judge(path)


def test_an_absent_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(UserError, match=r"absent.npz: no such file"):
        load_judge(tmp_path / "absent.npz")


def test_the_judge_hardly_minds_a_blur(judge):
    scenes = [Scenes(64, 64, split="val")[i] for i in range(16)]
    sharp = np.stack([scene["image"] for scene in scenes]) / np.float32(127.5) - 1
    blurred = (np.roll(sharp, 1, 2) + 2 * sharp + np.roll(sharp, -1, 2)) / 4
    labels = np.stack([scene["label"] for scene in scenes])
    apply = jax.jit(judge.network.apply)
    on_sharp, on_blurred = (
        mean_iou(confusion_matrix(labels, apply(judge.variables, images)[0].argmax(-1), 12))
        for images in (sharp, blurred)
    )
    assert on_blurred > 0.95 * on_sharp


def test_the_packaged_classifier_names_the_domains_of_scenes_it_was_not_trained_on():
    judge = load_domain_judge()
    sources = [Scenes(64, 64, split="val", domain=domain) for domain in DOMAINS]
    images = np.stack([source[i]["image"] for source in sources for i in range(10)]) / np.float32(127.5) - 1
    named = jax.jit(judge.network.apply)(judge.variables, images).argmax(-1)
    assert (np.asarray(named) == np.arange(4).repeat(10)).mean() > 0.9


def test_the_segmenters_weights_are_no_classifier_of_domains(tmp_path, judge):
    path = tmp_path / "segmenter.npz"
    save_judge(judge.variables, path)
    with pytest.raises(UserError, match=r"segmenter.npz does not fit the network"):
        load_domain_judge(path)
