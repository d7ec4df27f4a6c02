"""Where exported weights come from: a record beside the files, which importing checks."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxsyn.atomic import write_text
from jaxsyn.errors import UserError

ORIGIN = "origin.json"


def write_origin(folder: Path, method: str, step: int, model: Mapping[str, Any], files: Mapping[Path, str]) -> None:
    """Writes FOLDER/origin.json.

    Args:
        model: the options that decide what the networks look like, by dotted key.
        files: file in the folder -> its network.
    """
    records = {path.name: {"network": network, "sha256": _hash(path)} for path, network in files.items()}
    content = {"method": method, "step": step, "model": dict(model), "files": records}
    write_text(folder / ORIGIN, json.dumps(content, indent=1, default=str) + "\n")


def check_origin(path: Path, method: str, network: str) -> None:
    """Checks a file against the record beside it; one without a record passes.

    Raises:
        UserError: the file is not the one that was written, or of another method or network.
    """
    try:
        content = json.loads((path.parent / ORIGIN).read_text())
        record = content["files"][path.name]
    except (OSError, ValueError, KeyError):
        return
    if record["sha256"] != _hash(path):
        raise UserError(f"{path}: changed since it was exported ({ORIGIN} beside it): export it again, or remove that")
    if (content["method"], record["network"]) != (method, network):
        theirs = f"{content['method']}'s {record['network']}"
        raise UserError(f"{path}: holds {theirs} by {ORIGIN} beside it, not {method}'s {network}")


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
