"""Recipes timed side by side."""

import json

import pytest

from benchmarks.recipes import load_recipe, resize, scenes_batch
from benchmarks.side_by_side import measure, table
from jaxsyn.errors import UserError

GENERATOR = "model.generator.tile_size=2 model.generator.learned_factor=2 model.generator.width=2"
SMALL = f"configs/asapnet.py {GENERATOR} model.generator.max_width=4 model.generator.depth="


def test_two_recipes_are_compared_with_the_first():
    figures = measure([f"{SMALL}1", f"{SMALL}2"], height=16, width=32, batch_size=1, repeats=2)
    first, second = figures["methods"]
    assert first["ratios"] == [1, 1]
    assert len(second["ratios"]) == 2
    assert second["parameters"] - first["parameters"] == 4 * 4 * 9 + 2 * 4
    assert json.loads(json.dumps(figures)) == figures
    lines = table(figures).splitlines()
    assert lines[0].startswith("inference, 16x32, batch 1, 2 rounds on ")
    assert lines[2].startswith(f"{SMALL}1 ")
    assert lines[2].endswith("1.00 (1.00, 1.00)")


def test_on_a_cpu_no_times_are_told():
    figures = measure([f"{SMALL}1"], height=16, width=16, batch_size=1, repeats=1)
    assert "milliseconds" not in figures["methods"][0]
    assert " ms" not in table(figures)


def test_the_batch_is_of_scenes_whatever_the_recipe_s_data_set():
    config = load_recipe("configs/spade.py:cityscapes")
    resize(config, 32, 64)
    batch = scenes_batch(config, 2)
    assert batch["label"].shape == batch["instance"].shape == (2, 32, 64)
    assert int(batch["label"].max()) < 12


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("configs/asap.py", r"configs/asap\.py: no such recipe"),
        ("configs/asapnet.py:nyu", "no preset 'nyu'"),
        ("configs/asapnet.py model.depth=3", r"has no key 'model\.depth'"),
        ("configs/asapnet.py model.generator.depth=deep", r"no key 'model\.generator\.depth' that takes 'deep'"),
    ],
)
def test_a_recipe_that_there_is_not_is_an_error(recipe, message):
    with pytest.raises(UserError, match=message):
        load_recipe(recipe)
