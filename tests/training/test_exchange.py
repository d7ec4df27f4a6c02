"""Networks of a run to files, and from them."""

import jax
import numpy as np
import pytest

import jaxsyn
from jaxsyn.errors import UserError
from jaxsyn.interop.files import read_state_dict, write_state_dict
from jaxsyn.training.exchange import export_networks, import_networks
from tests.tiny import baseline_config, save_run


@pytest.fixture(scope="module")
def config():
    config = baseline_config()
    config.ema.decay = 0.9
    return config


@pytest.fixture(scope="module")
def exported(config, tmp_path_factory):
    """The files of a run of another seed, by name."""
    folder = tmp_path_factory.mktemp("exported")
    other = config.copy_and_resolve_references()
    other.seed = 1
    save_run(other, folder / "run")
    return {path.stem: path for path in export_networks(other, folder / "run", folder, ".npz")}


def test_what_is_imported_is_exported_again_as_it_was(config, exported, tmp_path):
    assert set(exported) == {"generator", "generator_ema", "discriminator"}
    workdir = import_networks(config, tmp_path / "run", {name: str(path) for name, path in exported.items()})
    for path in export_networks(config, workdir, tmp_path, ".npz"):
        found, given = read_state_dict(path), read_state_dict(exported[path.stem])
        jax.tree.map(np.testing.assert_array_equal, found, given)


def test_an_imported_generator_makes_the_images_of_its_average(config, exported, tmp_path):
    halved = {name: array / 2 for name, array in read_state_dict(exported["generator_ema"]).items()}
    write_state_dict(tmp_path / "average.npz", halved)
    files = {"generator": str(exported["generator"]), "generator_ema": str(tmp_path / "average.npz")}
    with_average = jaxsyn.load(import_networks(config, tmp_path / "both", files))
    alone = jaxsyn.load(import_networks(config, tmp_path / "alone", {"generator": str(tmp_path / "average.npz")}))
    jax.tree.map(np.testing.assert_array_equal, with_average.params["generator"], alone.params["generator"])


def test_a_file_that_does_not_fit_names_the_options_with_which_it_would(config, exported, tmp_path, capsys):
    narrower = config.copy_and_resolve_references()
    narrower.model.resnet.width = 1
    with pytest.raises(UserError, match=r"does not fit the network.*it would with --config\.model\.resnet\.width=2"):
        import_networks(narrower, tmp_path / "run", {"generator": str(exported["generator"])})
    assert not (tmp_path / "run").exists()


def test_a_file_of_another_network_is_refused_by_the_record_beside_it(config, exported, tmp_path):
    with pytest.raises(
        UserError, match=r"holds spade's discriminator by origin\.json beside it, not spade's generator"
    ):
        import_networks(config, tmp_path, {"generator": str(exported["discriminator"])})


def test_a_file_that_has_changed_since_its_export_is_refused(config, exported, tmp_path):
    changed = tmp_path / "generator.npz"
    (tmp_path / "origin.json").write_bytes((exported["generator"].parent / "origin.json").read_bytes())
    write_state_dict(changed, {**read_state_dict(exported["generator"]), "more": np.zeros(1)})
    with pytest.raises(UserError, match=r"generator\.npz: changed since it was exported"):
        import_networks(config, tmp_path / "run", {"generator": str(changed)})


def test_a_network_that_there_is_not_is_an_error_that_lists_them(config, tmp_path):
    with pytest.raises(UserError, match=r"no network encoder: give NETWORK=FILE for some of .*generator_ema"):
        import_networks(config, tmp_path, {"encoder": "file.npz"})
