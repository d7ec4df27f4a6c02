import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.spade import get_config
from jaxsyn.evaluation import segmentation_measure
from jaxsyn.evaluation.segmentation_measure import SegmentationMeasure
from jaxsyn.evaluation.segmenters import SEGMENTERS, Part, class_table
from jaxsyn.evaluation.weights import shapes_of
from tests.evaluation.tiny import load_ones


class RedIsTheClass(nn.Module):
    """Stands for a segmenter: the red of an 8-bit pixel is its class."""

    num_classes: int

    @nn.compact
    def __call__(self, images):
        self.param("unused", nn.initializers.ones, (1,))
        return jax.nn.one_hot(jnp.round((images[..., 0] + 1) * 127.5).astype(jnp.int32), self.num_classes)


@pytest.fixture
def tiny(monkeypatch):
    """A data set's measure with `RedIsTheClass` for its segmenter, and the config's section on its data."""
    monkeypatch.setattr(segmentation_measure, "load_weights", load_ones)

    def make(preset):
        data = get_config(preset).data
        segmenter = SEGMENTERS[data.name]
        part = Part(RedIsTheClass(segmenter.num_classes), "red", (), (1, 8, 8, 3))
        scores = lambda networks, variables, images: networks[0].apply(variables[0], images)  # noqa: E731
        return SegmentationMeasure(segmenter._replace(parts=(part,), scores=scores), data), data

    return make


def measured(measure, label, prediction):
    label = np.asarray(label, np.int32).reshape(1, 2, 2)
    images = np.repeat(np.asarray(prediction, np.uint8).reshape(1, 2, 2, 1), 3, -1)
    measure.add(np.repeat(label, 2, 0), np.repeat(images, 2, 0), np.array([True, False]))
    return {name: score.value for name, score in measure.scores().items()}


def test_cityscapes_leaves_out_what_is_not_evaluated_and_averages_over_classes_seen(tiny):
    measure, _ = tiny("cityscapes")
    # Road (7) is class 0, car (26) class 13; 4 is static, 34 the licence plate: neither is evaluated.
    scores = measured(measure, [7, 26, 4, 34], [0, 0, 5, 5])
    assert scores["accuracy"] == 0.5
    assert scores["miou"] == pytest.approx((1 / 2 + 0) / 2)


@pytest.mark.parametrize(("order", "label"), [("raw", [1, 1, 0, 150]), ("shifted", [0, 0, 150, 149])])
def test_ade20k_counts_absent_classes_as_zero_in_either_order_of_labels(tiny, order, label):
    measure, data = tiny("ade20k")
    data.label_order = order
    measure._table = class_table(SEGMENTERS["ade20k"], data)
    scores = measured(measure, label, [0, 0, 7, 149])
    assert scores["accuracy"] == 1
    assert scores["miou"] == pytest.approx(2 / 150)


def test_coco_stuff_averages_over_the_classes_of_the_labels(tiny):
    measure, data = tiny("coco_stuff")
    # The pipeline makes the unknown 255 the class after the last.
    scores = measured(measure, [0, 0, 5, data.num_classes], [0, 9, 5, 5])
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert scores["miou"] == pytest.approx((1 / 2 + 1) / 2)


def test_label_maps_without_a_class_of_the_segmenter_have_no_score(tiny):
    measure, _ = tiny("cityscapes")
    assert measured(measure, [0, 1, 2, 3], [0, 0, 0, 0]) == {"miou": None, "accuracy": None}


def test_the_protocol_names_segmenter_size_and_classes(tiny):
    measure, _ = tiny("cityscapes")
    measured(measure, [7, 7, 7, 7], [0, 0, 0, 0])
    protocol = measure.scores()["miou"].protocol
    assert (protocol["segmenter"], protocol["height"], protocol["width"]) == ("DRN-D-105", 256, 512)
    assert (protocol["mean_over_classes"], protocol["red.npz"]) == ("union", "beef")


@pytest.mark.parametrize("preset", ["cityscapes", "ade20k", "coco_stuff"])
def test_missing_weights_are_named_file_by_file(preset):
    data = get_config(preset).data
    segmenter = SEGMENTERS[data.name]
    measure = SegmentationMeasure(segmenter, data)
    measure.add(None, None, None)
    for score in measure.scores().values():
        assert score.value is None
        assert len(score.missing) == len(segmenter.parts)


@pytest.mark.parametrize("preset", ["cityscapes", "ade20k", "coco_stuff"])
def test_the_segmenters_score_each_pixel_of_an_image(preset):
    segmenter = SEGMENTERS[preset]
    variables = [shapes_of(part.network, part.inputs)() for part in segmenter.parts]
    networks = [part.network for part in segmenter.parts]
    images = jax.ShapeDtypeStruct((1, 64, 96, 3), jnp.float32)
    scores = jax.eval_shape(lambda v, x: segmenter.scores(networks, v, x), variables, images)
    assert scores.shape == (1, 64, 96, segmenter.num_classes)
