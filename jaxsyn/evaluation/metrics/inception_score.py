"""Inception Score (Salimans et al., NeurIPS 2016, arXiv 1606.03498), conditional too (MUNIT, arXiv 1804.04732)."""

from itertools import pairwise

import numpy as np

from jaxsyn.errors import UserError


def shuffled(count: int, seed: int = 2020) -> np.ndarray:
    """torch-fidelity's order of `count` images for the splits, int [count]; older scripts keep the file order."""
    return np.random.RandomState(seed).permutation(count)


def inception_score(logits: np.ndarray, splits: int = 10) -> tuple[float, float]:
    """Mean and standard deviation over splits of exp(mean KL(p(y|x) || p(y))), each in [1, K].

    logits: [N, K] in the order in which they are split; the original takes the classifier without its bias.
    Split i is rows i N // splits to (i + 1) N // splits. Raises UserError if a split would be empty.
    """
    if not 1 <= splits <= len(logits):
        raise UserError(f"inception score over {splits} splits needs at least as many images, found {len(logits)}")
    log_p = log_softmax(logits)
    bounds = [i * len(log_p) // splits for i in range(splits + 1)]
    scores = np.exp([_information(log_p[start:stop]) for start, stop in pairwise(bounds)])
    return float(np.mean(scores)), float(np.std(scores))


def conditional_inception_score(logits: np.ndarray) -> float:
    """exp of the mean over inputs of KL(p(y|output) || p(y|input)): are the outputs of ONE input diverse? In [1, K].

    logits: [inputs, samples, K] of a classifier of the target domain's modes; p(y|input) is the mean over samples.
    """
    if logits.shape[1] < 2:
        raise UserError(
            f"the conditional inception score needs at least 2 samples of an input, found {logits.shape[1]}"
        )
    return float(np.exp(np.mean([_information(of_one_input) for of_one_input in log_softmax(logits)])))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """float64 log-probabilities over the last axis; raises UserError for NaN or infinite logits."""
    logits = np.asarray(logits, np.float64)
    if not np.isfinite(logits).all():
        raise UserError("logits hold NaN or infinite values: check the images and the classifier's weights")
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def _information(log_p: np.ndarray) -> float:
    """Mean KL divergence of the rows [N, K] from their mean."""
    p = np.exp(log_p)
    return float(np.sum(p * (log_p - np.log(p.mean(0)))) / len(p))
