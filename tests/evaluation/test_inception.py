import numpy as np
import pytest

from jaxsyn.evaluation.inception import PROTOCOLS, pytorch_fid_input, tensorflow_input


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_brings_images_to_the_networks_size(name):
    images = np.random.RandomState(0).randint(0, 256, (1, 9, 12, 3)).astype(np.uint8)
    prepared = np.asarray(PROTOCOLS[name].prepare(images))
    assert prepared.shape == (1, 299, 299, 3)
    assert np.abs(prepared).max() < 3


def test_the_two_ways_to_scale_differ_at_white():
    white = np.full((1, 4, 4, 3), 255, np.uint8)
    assert np.asarray(tensorflow_input(white)).max() == pytest.approx(127 / 128)
    assert np.asarray(pytorch_fid_input(white)).max() == pytest.approx(1)
