"""One step runs a list of phases, as a pure function."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.methods import Phase
from jaxsyn.training.step import train_step
from tests.training.toy import BATCH, NormalizedToy, Toy, square_of, toy_config, toy_state


def steps(method, count=1, state=None, frozen=None):
    """The states after each of some steps, and what they logged; begins with the state before."""
    step = jax.jit(lambda state, batch: train_step(method, method.config, state, frozen or {}, batch))
    states, logs = [state or toy_state(method)], []
    for _ in range(count):
        state, terms = step(states[-1], BATCH)
        states, logs = [*states, state], [*logs, {name: float(value) for name, value in terms.items()}]
    return states, logs


def scale(state, name="generator"):
    return float(state.params[name]["scale"])


def test_a_step_is_adams_with_each_networks_own_rate():
    states, _ = steps(Toy(toy_config()))
    # Adam's first step is the rate times the gradient's sign, whatever its size.
    np.testing.assert_allclose(scale(states[1]), 2 - 0.1, rtol=1e-5)
    np.testing.assert_allclose(scale(states[1], "discriminator"), 3 - 0.01, rtol=1e-5)
    assert states[1].step == 1


def test_terms_are_logged_by_phase_and_name_with_what_was_minimised():
    _, (log,) = steps(Toy(toy_config()))
    expected = float(np.square(BATCH["image"]).mean())
    assert set(log) == {f"{phase}/{term}" for phase in ("generator", "discriminator") for term in ("square", "total")}
    np.testing.assert_allclose(
        [log["generator/square"], log["discriminator/total"]], [4 * expected, 9 * expected], rtol=1e-5
    )


def test_a_phase_sees_the_parameters_that_the_one_before_left_and_trains_only_its_own():
    def look(nets, batch, rng):
        seen = nets.params["generator"]["scale"]
        return nets.discriminator(seen).mean(), {"seen": seen}

    phases = (Phase("generator", ("generator",), square_of("generator")), Phase("critic", ("discriminator",), look))
    states, (log,) = steps(Toy(toy_config(), phases))
    np.testing.assert_allclose(log["critic/seen"], 1.9, rtol=1e-5)
    np.testing.assert_allclose(scale(states[1]), 1.9, rtol=1e-5)


def test_networks_advance_their_state_once_a_call_and_every_phase_goes_on_from_there():
    phases = tuple(Phase(name, ("generator",), square_of("generator")) for name in ("first", "second", "third"))
    config = toy_config()
    method = Toy(config, (*phases, Phase("discriminator", ("discriminator",), square_of("discriminator"))))
    states, _ = steps(method, 2)
    assert float(states[2].states["generator"]["batch_stats"]["calls"]) == 6
    assert float(states[2].states["discriminator"]["batch_stats"]["calls"]) == 2


def test_a_phase_every_other_step_rests_in_between():
    phases = (
        Phase("generator", ("generator",), square_of("generator"), every=2),
        Phase("discriminator", ("discriminator",), square_of("discriminator")),
    )
    states, logs = steps(Toy(toy_config(), phases), 3)
    values = [scale(state) for state in states]
    assert values[0] != values[1]
    assert values[1] == values[2]
    assert values[2] != values[3]
    assert [log["generator/square"] > 0 for log in logs] == [True, False, True]
    jax.tree.map(np.testing.assert_array_equal, states[1].optimizers["generator"], states[2].optimizers["generator"])
    assert float(states[3].states["generator"]["batch_stats"]["calls"]) == 2
    assert scale(states[1], "discriminator") != scale(states[2], "discriminator")


def test_a_phase_may_be_made_in_several_steps_in_a_row():
    phase = Phase("generator", ("generator",), square_of("generator"), every=3, first=1, times=2)
    assert [phase.is_due(step) for step in range(6)] == [False, True, True, False, True, True]


def test_phases_of_one_schedule_find_what_the_ones_before_them_kept():
    def keep(nets, batch, rng):
        nets.kept["images"] = batch["image"] + 1
        return square_of("generator")(nets, batch, rng)

    def find(nets, batch, rng):
        return nets.discriminator(nets.kept["images"]).mean(), {"kept": nets.kept["images"].mean()}

    phases = (
        Phase("keeper", ("generator",), keep, every=2, first=1),
        Phase("finder", ("discriminator",), find, every=2, first=1),
    )
    _, logs = steps(Toy(toy_config(), phases), 2)
    np.testing.assert_allclose([log["finder/kept"] for log in logs], [0, BATCH["image"].mean() + 1], rtol=1e-6)


def test_a_phase_beside_another_takes_its_gradient_where_that_took_its_own():
    def look(nets, batch, rng):
        loss, _ = square_of("generator")(nets, batch, rng)
        return loss, {"seen": nets.params["generator"]["scale"]}

    first = Phase("first", ("generator",), look)
    rest = Phase("discriminator", ("discriminator",), square_of("discriminator"))
    for beside, seen in ((False, 1.9), (True, 2.0)):
        second = Phase("second", ("generator",), look, beside=beside)
        states, (log,) = steps(Toy(toy_config(), (first, second, rest)))
        np.testing.assert_allclose(log["second/seen"], seen, rtol=1e-5)
        np.testing.assert_allclose(scale(states[1]), 1.8, rtol=1e-2)


def test_a_phase_that_begins_later_is_made_in_the_last_of_its_steps():
    phases = (
        Phase("discriminator", ("discriminator",), square_of("discriminator")),
        Phase("generator", ("generator",), square_of("generator"), every=2, first=1),
    )
    _, logs = steps(Toy(toy_config(), phases), 4)
    assert [log["generator/square"] > 0 for log in logs] == [False, True, False, True]


def test_the_step_decides_the_randomness_and_phases_draw_apart():
    def draw(nets, batch, rng):
        return nets.generator(batch["image"]).mean(), {"draw": jax.random.uniform(rng)}

    def method(seed):
        phases = (Phase("a", ("generator",), draw), Phase("b", ("generator",), draw))
        return Toy(toy_config(seed=seed), (*phases, Phase("d", ("discriminator",), square_of("discriminator"))))

    def draws(seed):
        return [log[f"{phase}/draw"] for log in steps(method(seed), 2)[1] for phase in ("a", "b")]

    assert len(set(draws(0) + draws(1))) == 8
    assert draws(0) == draws(0)


def test_accumulated_slices_give_the_update_of_the_whole_batch():
    def run(slices):
        phases = (
            Phase("generator", ("generator",), square_of("generator")),
            Phase("discriminator", ("discriminator",), square_of("discriminator")),
        )
        # Without Adam's normalisation by it the gradient's size would not count.
        method = NormalizedToy(toy_config(**{"optimizer.accumulate": slices, "optimizer.epsilon": 10.0}), phases)
        (_, state), (log,) = steps(method)
        return state.params["generator"], log

    (whole, log), (halves, same) = run(1), run(2)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), whole, halves)
    assert same == pytest.approx(log, rel=1e-5)


def test_state_passes_from_slice_to_slice():
    states, _ = steps(Toy(toy_config(**{"optimizer.accumulate": 4})))
    assert float(states[1].states["generator"]["batch_stats"]["calls"]) == 4


def test_gradients_are_clipped_by_the_phases_global_norm():
    gradient = 2 * 2 * float(np.square(BATCH["image"]).mean())
    for clip, clipped in ((0.0, gradient), (100.0, gradient), (0.5, 0.5)):
        states, _ = steps(Toy(toy_config(**{"optimizer.clip": clip, "optimizer.epsilon": 1.0})))
        # Adam's first step: rate * g / (|g| + epsilon).
        np.testing.assert_allclose(scale(states[0]) - scale(states[1]), 0.1 * clipped / (clipped + 1), rtol=1e-4)


def test_a_phase_may_have_its_own_largest_norm():
    options = {"optimizer.clip": 0.25, "optimizer.epsilon": 1.0}
    config = toy_config(**options)
    config.optimizer.phase_clips.generator = 0.5
    states, _ = steps(Toy(config))
    steps_taken = [scale(states[0], name) - scale(states[1], name) for name in ("generator", "discriminator")]
    np.testing.assert_allclose(steps_taken, [0.1 * 0.5 / 1.5, 0.01 * 0.25 / 1.25], rtol=1e-3)


def test_the_average_of_parameters_follows_them_by_its_decay():
    config = toy_config(**{"ema.decay": 0.75})
    states, _ = steps(Toy(config), 2)
    average = scale(states[0])
    for state in states[1:]:
        average = 0.75 * average + 0.25 * scale(state)
        np.testing.assert_allclose(state.ema["generator"]["scale"], average, rtol=1e-6)
    assert set(states[2].ema) == {"generator"}


def test_running_statistics_are_averaged_with_the_parameters():
    states, _ = steps(Toy(toy_config(**{"ema.decay": 0.75})), 2)
    average = 0.0
    for state in states[1:]:
        average = 0.75 * average + 0.25 * float(state.states["generator"]["batch_stats"]["calls"])
        np.testing.assert_allclose(state.ema_statistics["generator"]["calls"], average, rtol=1e-6)
    assert average > 0


def test_rates_fall_with_the_step():
    config = toy_config(**{"optimizer.decay_start": 1, "optimizer.decay_steps": 2})
    states, _ = steps(Toy(config), 4)
    values = [scale(state) for state in states]
    assert values[0] - values[1] == pytest.approx(0.1, rel=1e-4)
    assert values[2] > values[3]
    assert values[3] == values[4]  # the rate has reached zero


def test_given_networks_serve_the_losses_and_stay_as_they_are():
    def loss(nets, batch, rng):
        value = nets.generator(nets.params["vgg"]["weight"]).mean()
        return value, {"value": value}

    phases = (Phase("g", ("generator",), loss), Phase("d", ("discriminator",), square_of("discriminator")))
    method = Toy(toy_config(), phases)
    plain = Toy(toy_config())
    states, (log,) = steps(method, state=toy_state(plain), frozen={"vgg": {"weight": jnp.float32(10)}})
    assert log["g/value"] == 20
    assert set(states[1].params) == {"generator", "discriminator"}


@pytest.mark.parametrize("slices", [1, 2])
def test_what_a_phase_keeps_the_later_phases_find_by_slices_and_without_its_gradient(slices):
    def leave(nets, batch, rng):
        fake = nets.generator(batch["image"])
        nets.kept["fake"] = fake
        return jnp.square(fake).mean(), {}

    def find(nets, batch, rng):
        # Of the generator as it was before its update, and of the same part of the batch.
        ratio = nets.kept["fake"].mean() / batch["image"].mean()
        return nets.discriminator(nets.kept["fake"]).mean(), {"ratio": ratio}

    config = toy_config()
    config.optimizer.accumulate = slices
    phases = (Phase("generator", ("generator",), leave), Phase("discriminator", ("discriminator",), find))
    _, (log,) = steps(Toy(config, phases))
    np.testing.assert_allclose(log["discriminator/ratio"], 2, rtol=1e-5)


class IdleToy(Toy):
    """Nothing is computed from its generator's one parameter, as it says."""

    def idle_parameters(self):
        return {"generator": (r"^scale$",)}


def test_parameters_that_nothing_is_computed_from_do_not_move_by_weight_decay_either():
    states, _ = steps(IdleToy(toy_config(**{"optimizer.weight_decay": 0.1})))
    assert scale(states[1]) == scale(states[0])
    assert scale(states[1], "discriminator") < scale(states[0], "discriminator")
