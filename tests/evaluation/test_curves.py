import numpy as np

from jaxsyn.evaluation.curves import MOST_POINTS, plot, read_curves


def test_terms_are_grouped_by_phase_with_the_steps_at_which_they_were_logged(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 10, "generator/kl": 2.0}\n{"step": 20, "generator/kl": 1.5, "eval/ssim": 0.3}\n')
    curves = read_curves(path)
    assert set(curves) == {"generator", "eval"}
    np.testing.assert_array_equal(curves["generator"]["kl"], [[10, 20], [2.0, 1.5]])
    np.testing.assert_array_equal(curves["eval"]["ssim"], [[20], [0.3]])


def test_a_run_without_a_log_has_no_curves(tmp_path):
    assert read_curves(tmp_path / "metrics.jsonl") == {}


def test_a_plot_of_a_long_run_takes_no_more_room_than_one_of_its_width():
    def size(points):
        steps = np.arange(points, dtype=np.float64)
        return len(plot((steps, np.sin(steps / points))))

    assert size(100 * MOST_POINTS) < 1.5 * size(MOST_POINTS)
