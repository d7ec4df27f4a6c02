"""The training steps of the papers' presets on TPU pods, as a table: python -m benchmarks.pods [--only TEXT].

Compiles what `PODS` lists and benchmarks/pods.json does not hold yet, one step after another (minutes each, on a
machine without a TPU: pip install libtpu), keeps the figures there as soon as it has them, and writes docs/pods.md.
What does not fit a chip is compiled again with the next of `KNOBS`, until it fits.
"""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from absl import flags

from benchmarks.recipes import load_recipe
from benchmarks.tpu import CHIPS, step_figures
from jaxsyn import cli
from jaxsyn.atomic import write_text
from jaxsyn.errors import UserError

FIGURES, TABLE = Path("benchmarks/pods.json"), Path("docs/pods.md")

SMALL, LARGE = "v5e:2x4", "v5e:16x16"
# What is tried in turn where a step does not fit: each beside those before it.
KNOBS = ("remat=True", "mesh.fsdp=8 mesh.data=-1", "optimizer.accumulate=2")


class Pod(NamedTuple):
    """A step to compile: a recipe with KEY=VALUE behind it, for a topology."""

    recipe: str
    topology: str

    def __str__(self) -> str:
        return f"{self.recipe} on {self.topology}"


def _pods() -> Iterator[Pod]:
    # Recipe, and images a chip.
    presets = {
        "spade.py:cityscapes": 2,
        "clade.py:cityscapes": 2,
        "oasis.py:cityscapes": 2,
        "inade.py:cityscapes": 2,
        "sean.py:cityscapes": 1,
        "cc_fpse.py:cityscapes": 1,
        "smis.py:cityscapes": 1,
        "pix2pix.py:facades": 8,
        "pix2pixhd.py:cityscapes": 1,
        "bicyclegan.py:facades": 8,
        "asapnet.py:cityscapes": 2,
        "cyclegan.py:horse2zebra": 2,
        "munit.py:edges2shoes": 1,
        "unit.py:edges2shoes": 1,
        "stargan.py:celeba": 8,
        "stargan_v2.py:afhq": 2,
        "drit.py:yosemite": 2,
        "drit_domains.py:weather": 2,
        "nice_gan.py:horse2zebra": 1,
    }
    half = "compute_dtype=bfloat16 mesh.data=-1"
    for preset, images in presets.items():
        yield Pod(f"configs/{preset} {half} batch_size={8 * images}", SMALL)
    yield Pod(
        "configs/pix2pixhd.py:cityscapes_2048 compute_dtype=bfloat16 mesh.data=1 mesh.space=8 batch_size=1", SMALL
    )
    for preset in ("spade.py:cityscapes", "oasis.py:cityscapes", "pix2pix.py:facades", "munit.py:edges2shoes"):
        yield Pod(f"configs/{preset} {half} batch_size={256 * presets[preset]}", LARGE)
    yield Pod(f"configs/stargan_v2.py:afhq {half} batch_size=512", LARGE)


PODS = tuple(_pods())


def compile_pod(pod: Pod) -> dict[str, Any]:
    """The figures of a step, as it fits: those of benchmarks.tpu, and `knobs`, what was set so that it does.

    A step that fits with none of the knobs has those of the first attempt. `crashes` names the settings with which the
    compiler crashed.
    """
    first, crashes = None, []
    for tried in range(len(KNOBS) + 1):
        knobs = " ".join(KNOBS[:tried])
        try:
            found = step_figures(load_recipe(f"{pod.recipe} {knobs}"), pod.topology)
        except UserError as error:
            if "crashed" in str(error):
                crashes.append(knobs)
            elif not tried:
                raise
            # Else a knob that this recipe's mesh or batch does not allow.
            continue
        found = {**found, "knobs": knobs}
        first = first or found
        if found["fits"]:
            return {**found, "crashes": crashes}
    return {**(first or {"fits": False, "knobs": ""}), "crashes": crashes}


def table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """docs/pods.md: a line for each pod that has figures, in the order of `PODS`."""
    lines = [
        "# Training steps on TPU pods",
        "",
        "Compiled by the TPU compiler, not run: memory, work and traffic a chip and step, and the least time that",
        "a step can take by arithmetic, memory traffic or links, whichever is largest (of a v5e chip: 197 TFLOP/s in",
        "bfloat16, 819 GB/s, 16 GB). Made by `python -m benchmarks.pods`. All networks are as the paper has them.",
        "",
        "| recipe | chips | size | images | memory, GB | TFLOP | moved, GB | exchanged, GB | floor, ms | bound by |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join(lines + [_line(pod, figures[str(pod)]) for pod in PODS if str(pod) in figures]) + "\n"


def _line(pod: Pod, found: Mapping[str, Any]) -> str:
    recipe = pod.recipe.split()[0].removeprefix("configs/").replace(".py", "")
    if "memory_bytes" not in found:
        return (
            f"| `{recipe}` | {pod.topology} | the compiler crashes with and without {', '.join(KNOBS)} | | | | | | | |"
        )
    memory = f"{found['memory_bytes'] / 1e9:.1f}"
    memory += f" (with {found['knobs']})" if found["knobs"] else ""
    memory += "" if found["fits"] else f" of {CHIPS[pod.topology.partition(':')[0]][0] / 1e9:.0f}: does not fit"
    exchanged = sum(kind["bytes"] for kind in found["collectives"].values())
    floor = 1000 * max(found["least_seconds"].values())
    return (
        f"| `{recipe}` | {pod.topology} | {found['height']}x{found['width']} | {found['batch_size']} | {memory} | "
        f"{found['flops'] / 1e12:.2f} | {found['bytes_moved'] / 1e9:.0f} | {exchanged / 1e9:.2f} | {floor:.0f} | "
        f"{found['bound']} |"
    )


def compile_all(only: str = "") -> None:
    """Compiles those steps whose line in `PODS` has the text and which have no figures yet, and writes the table."""
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    wanted = [pod for pod in PODS if only in str(pod) and str(pod) not in figures]
    for number, pod in enumerate(wanted, 1):
        print(f"{number} of {len(wanted)}: {pod} ...", end=" ", flush=True)
        began = time.perf_counter()
        figures[str(pod)] = compile_pod(pod)
        print(f"{time.perf_counter() - began:.0f} s")
        write_text(FIGURES, json.dumps(figures, indent=1) + "\n")
    TABLE.parent.mkdir(exist_ok=True)
    write_text(TABLE, table(figures))
    print(f"{len(figures)} of {len(PODS)} steps in {TABLE}")


def main(arguments: list[str]) -> None:
    """Runs the command."""
    if arguments:
        raise UserError(f"unknown arguments: {' '.join(arguments)}")
    compile_all(flags.FLAGS.only)


if __name__ == "__main__":
    flags.DEFINE_string("only", "", "Compile those alone whose line in PODS has this text.")
    cli.run(main)
