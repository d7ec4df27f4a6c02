"""Instance ids without gaps, for methods that keep something for each instance."""

import numpy as np

from jaxsyn.errors import UserError


def number_instances(label: np.ndarray, instance: np.ndarray | None, maximum: int, name: str) -> np.ndarray:
    """Numbers the instances of a picture 0, 1, ..., so that each has one class.

    An instance is what shares class and instance id; without an instance map each class is one, as the authors of
    INADE number ADE20K, CelebAMask-HQ and DeepFashion.

    Args:
        label: classes [H, W].
        instance: ids [H, W], any integers, or None.
        maximum: how many there may be.
        name: the picture's name, for the message.

    Returns:
        int32 [H, W], 0 to maximum - 1.

    Raises:
        UserError: there are more.
    """
    ids = label.astype(np.int64)
    if instance is not None:
        ids = (ids << 32) + instance
    found, numbers = np.unique(ids, return_inverse=True)
    if len(found) > maximum:
        raise UserError(
            f"{name}: {len(found)} instances, more than data.max_instances={maximum}: "
            f"set data.max_instances to {len(found)} or more"
        )
    return numbers.reshape(label.shape).astype(np.int32)
