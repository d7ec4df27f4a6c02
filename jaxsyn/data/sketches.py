"""Line drawings of pictures, for methods that take one as an input."""

import numpy as np
from scipy import ndimage


def draw_sketch(image: np.ndarray, sigma: float = 1.0) -> np.ndarray:
    """A line drawing of a picture: where its brightness changes, and how much.

    It stands in for the edge detector of INADE's authors (DexiNed), which is a network of its own. The magnitude of
    the gradient of a Gaussian, in units of its 99th percentile, cut off there.

    Args:
        image: uint8 [H, W, 3].
        sigma: of the Gaussian, in pixels.

    Returns:
        uint8 [H, W]; 0 where nothing changes.
    """
    brightness = image.astype(np.float32).mean(-1)
    strength = ndimage.gaussian_gradient_magnitude(brightness, sigma)
    # A picture without edges has none, whatever its noise: a change of one level a pixel is the least that shows.
    strongest = max(np.percentile(strength, 99), 1.0)
    return (255 * np.minimum(strength / strongest, 1)).astype(np.uint8)
