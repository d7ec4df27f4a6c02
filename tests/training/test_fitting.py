import pytest

from jaxsyn.interop.state_dict import expected_shapes
from jaxsyn.training.fitting import suggest_options
from jaxsyn.training.runs import make_run
from tests.tiny import baseline_config


def shapes_of(config, network):
    run = make_run(config)
    template = {"params": run.template.params[network], **run.template.states[network]}
    return expected_shapes(template, run.method.checkpoint_names()[network])


def changed(**options):
    config = baseline_config()
    config.update_from_flattened_dict(options)
    return config


@pytest.mark.parametrize(
    ("network", "options"),
    [
        ("generator", {"model.resnet.width": 6}),
        ("discriminator", {"model.discriminator.num_scales": 2}),
        ("generator", {"model.resnet.width": 4, "data.num_classes": 11}),
    ],
)
def test_the_options_that_fit_a_checkpoint_are_found(network, options):
    found = suggest_options(baseline_config(), network, shapes_of(changed(**options), network))
    assert set(found.split()) == {f"--config.{key}={value}" for key, value in options.items()}


def test_of_a_checkpoint_that_is_far_from_the_model_nothing_is_said():
    assert suggest_options(baseline_config(), "generator", {"weight": (3, 4), "bias": (3,)}) == ""
