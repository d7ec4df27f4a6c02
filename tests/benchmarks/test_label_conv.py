"""`LabelConv` timed against the one-hot convolution."""

from benchmarks.label_conv import compare


def test_both_forms_give_the_same_and_every_pair_has_a_ratio():
    figures = compare(classes=5, size=12, features=4, cell=4, repeats=2)
    assert figures["difference"] < 1e-5
    assert len(figures["speedups"]) == 2
