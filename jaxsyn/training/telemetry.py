"""What a run tells while it trains: metrics.jsonl, TensorBoard, pictures."""

import contextlib
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from tensorboardX import SummaryWriter

from jaxsyn.atomic import whole_file
from jaxsyn.errors import UserError
from jaxsyn.training.disk import writing
from jaxsyn.training.workdir import IMAGES, METRICS


class Telemetry:
    """Writes scalars and pictures of a run by step.

    All of its methods raise UserError where the disk takes no more.
    """

    def __init__(self, workdir: Path, start: int = 0):
        """
        Args:
            start: the steps done; TensorBoard drops what was logged after them.
        """
        self._images, self._lines = workdir / IMAGES, workdir / METRICS
        with writing(workdir):
            self._images.mkdir(exist_ok=True)
            # Every line reaches the file by itself, so that a kill can tear only the one being written.
            self._metrics = self._lines.open("a", buffering=1)
            self._board = SummaryWriter(str(workdir / "tensorboard"), purge_step=start + 1)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """One line of metrics.jsonl, and TensorBoard's scalars."""
        with writing(self._lines):
            self._metrics.write(json.dumps({"step": step, **values}) + "\n")
        if self._board_lives():
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def picture(self, step: int, picture: np.ndarray) -> Path:
        """A picture uint8 [H, W, 3] as PNG and in TensorBoard; returns the file."""
        path = self._images / f"{step:07d}.png"
        with writing(path), whole_file(path) as partial:
            Image.fromarray(picture).save(partial, "PNG")
        if self._board_lives():
            self._board.add_image("input_output_truth", picture, step, dataformats="HWC")
        return path

    def close(self) -> None:
        """Writes out what is pending; what cannot be written now was told before, or is but a copy."""
        with contextlib.suppress(OSError):
            self._metrics.close()
        if self._board_lives():
            writer = self._board.file_writer.event_writer
            try:
                self._board.close()
            except OSError:
                writer._worker.stop()
                writer._closed = True  # or it tries again when the program ends

    def _board_lives(self) -> bool:
        """Whether TensorBoard's thread is there: it dies of a full disk, and who then writes to it waits for ever."""
        writer = self._board.file_writer  # None once it is closed
        return writer is not None and writer.event_writer._worker.is_alive()


class Mute:
    """What the processes beside the first one tell: nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def require_finite(step: int, values: Mapping[str, float], last_good: Callable[[], str]) -> None:
    """
    Args:
        last_good: says where to go back to, once it has to be known.

    Raises:
        UserError: a value is not finite; names it, the step, and the checkpoint to go back to.
    """
    bad = [f"{name} = {value}" for name, value in values.items() if not math.isfinite(value)]
    if bad:
        raise UserError(
            f"step {step}: {', '.join(bad)}: training stopped; {last_good()}. Lower optimizer.learning_rate, set "
            "optimizer.clip, or use compute_dtype=float32"
        )
