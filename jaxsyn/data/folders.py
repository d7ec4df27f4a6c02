"""Paired folders: SPADE's own layout and three folders of the user's choice."""

import os

from ml_collections import ConfigDict

from jaxsyn.data.pairs import Folder, Pairing, pair_folders
from jaxsyn.errors import UserError


def require_root(data: ConfigDict, contents: str) -> str:
    """The data set's folder. Raises UserError where data.root is not set or does not exist."""
    if not data.root:
        raise UserError(f"data.root is not set: data.name={data.name} needs the folder that holds {contents}")
    if not os.path.isdir(data.root):
        raise UserError(f"data.root={data.root} does not exist: give the folder that holds {contents}")
    return data.root


def split_key(data: ConfigDict, split: str) -> str:
    """The config key that chose `split`, for messages."""
    if split == data.train_split:
        return "data.root or data.train_split"
    return f"data.root, or set data.eval_split (={data.train_split} evaluates on the training images)"


def pair_spade_folders(data: ConfigDict, split: str) -> Pairing:
    """SPADE's layout: {root}/{split}_label, {split}_img and, where data.use_instance, {split}_inst.

    `{split}_label_portrait` and its partners are read too where they exist, as SPADE does for COCO-Stuff.
    """
    root = require_root(data, f"{split}_label and {split}_img")
    key = split_key(data, split)

    def paired(suffix: str) -> Pairing:
        def folder(kind: str) -> Folder:
            return Folder(os.path.join(root, f"{split}_{kind}{suffix}"), key)

        return pair_folders(folder("label"), folder("img"), folder("inst") if data.use_instance else None)

    pairing = paired("")
    if not os.path.isdir(os.path.join(root, f"{split}_label_portrait")):
        return pairing
    portraits = paired("_portrait")
    return Pairing(pairing.pairs + portraits.pairs, pairing.problems + portraits.problems)


def pair_custom_folders(data: ConfigDict, split: str) -> Pairing:
    """data.label_dir, data.image_dir and, where data.use_instance, data.instance_dir.

    A `{split}` in a folder's name stands for the split's name; without it every split reads the same files.
    """
    keys = ["label_dir", "image_dir"] + (["instance_dir"] if data.use_instance else [])
    folders = []
    for key in keys:
        if not data[key]:
            raise UserError(f"data.{key} is not set: data.name=custom needs {' and '.join('data.' + k for k in keys)}")
        folders.append(Folder(data[key].replace("{split}", split), f"data.{key}"))
    return pair_folders(folders[0], folders[1], folders[2] if data.use_instance else None)
