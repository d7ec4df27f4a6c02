"""A method is found by the name of its file."""

import importlib

import pytest

from jaxsyn.errors import UserError
from jaxsyn.methods import Method, build, method_names
from jaxsyn.methods.spade import Spade
from tests.tiny import spade_config


def test_the_config_names_the_method():
    config = spade_config()
    method = build(config)
    assert type(method) is Spade
    assert method.config is config


@pytest.mark.parametrize("name", ["spades", "base", "nets", ""])
def test_another_name_is_an_error_that_lists_the_methods(name):
    config = spade_config()
    config.method = name
    with pytest.raises(UserError, match=rf"config\.method = '{name}' is no method; there are .*spade"):
        build(config)


def test_every_file_of_a_method_defines_exactly_one():
    for name in method_names():
        module = importlib.import_module(f"jaxsyn.methods.{name}")
        found = [
            kind
            for kind in vars(module).values()
            if isinstance(kind, type) and issubclass(kind, Method) and kind.__module__ == module.__name__
        ]
        assert len(found) == 1, name
