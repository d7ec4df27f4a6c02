"""The keys that every config has."""

import importlib
import pkgutil

import pytest

import configs
from jaxsyn.layers import ImagePool
from jaxsyn.methods import build
from jaxsyn.training.config import default_config

KEYS = """method seed batch_size num_steps log_every checkpoint_every image_every eval_every compute_dtype remat
mesh.data mesh.space mesh.fsdp data.name data.root data.height data.width data.num_classes model loss optimizer"""


@pytest.mark.parametrize("name", [file.name for file in pkgutil.iter_modules(configs.__path__)])
def test_every_recipe_has_the_common_keys_and_names_its_method(name):
    config = importlib.import_module(f"configs.{name}").get_config()
    for key in KEYS.split():
        part = config
        for field in key.split("."):
            assert field in part, key
            part = part[field]
    assert config.method == name
    method = build(config)
    trained = {network for phase in method.phases() for network in phase.trains}
    # An image pool is state alone: there is nothing in it to train.
    learning = {network for network, module in method.networks().items() if not isinstance(module, ImagePool)}
    assert trained == learning <= set(config.optimizer.learning_rate)


def test_two_defaults_share_nothing():
    first, second = default_config(), default_config()
    first.mesh.data = 7
    assert second.mesh.data == -1
