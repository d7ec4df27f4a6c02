"""Every `data.*` key with its default; the files in `configs/` start from here."""

import ml_collections
from ml_collections import config_dict


def default_data_config() -> ml_collections.ConfigDict:
    """The `data` section of a config: trains on the embedded `scenes` at 64x64 until a preset says otherwise."""
    data = ml_collections.ConfigDict()
    # Which source: scenes, paired_folders, custom, cityscapes, ade20k, coco_stuff, tfds, side_by_side, two_folders,
    # domain_folders, celeba.
    data.name = "scenes"
    # Folder of the data set as released (for tfds: its data_dir); scenes and custom need none.
    data.root = ""
    # Splits: the folder (or tfds split) that each role reads.
    data.train_split = "train"
    data.eval_split = "val"
    # Size of the pictures that the networks see, in pixels.
    data.height = 64
    data.width = 64
    # Classes without the unknown one: the ids 0 .. num_classes - 1.
    data.num_classes = 12
    # The id in the files that marks unlabelled pixels (often 255); it becomes one more class. None: there is none.
    data.unknown_label = config_dict.placeholder(int)
    # ade20k: "raw" keeps 0 = unknown, 1 .. 150 = classes, as the released models run;
    # "shifted" makes them 0 .. 149 and the unknown 150.
    data.label_order = "raw"
    # True: the indices of palette PNGs are the class ids. False: a palette label map is an error.
    data.palette_labels = False
    # Read instance maps as well.
    data.use_instance = False
    # Number the instances of a picture 0, 1, ... and allow this many; without instance maps each class is one. None:
    # instance ids are as in the files.
    data.max_instances = config_dict.placeholder(int)
    # Give each pixel its offset from the centre of its region ("position", for CLADE-ICPE).
    data.use_positions = False
    # Give each picture a line drawing of itself ("sketch", for INADE's extension).
    data.use_sketch = False
    # SPADE's preprocessing: resize_and_crop, crop, scale_width, scale_width_and_crop, scale_shortside,
    # scale_shortside_and_crop, fixed, none; or centre_crop_and_resize: the largest part in the middle of that shape.
    data.preprocess = "fixed"
    # Width (resize, scale_width) or short side (scale_shortside) before the crop, in pixels.
    data.load_size = 64
    # Before that, cut this share of the training pictures to a random window (StarGAN v2), whose share of the area and
    # whose aspect ratio, width by height, are drawn from these ranges.
    data.window_share = 0.0
    data.window_area = (0.8, 1.0)
    data.window_aspect = (0.9, 1.1)
    # Mirror half of the training pictures.
    data.flip = True
    # Worker processes that read and transform; 0 reads in threads of the training process.
    data.num_workers = 0
    # Folder that keeps training records decoded and resized, which then happens once, not in every epoch. "": none.
    data.cache = ""
    # Records decoded in full before the first step (the rest are checked as they are read).
    data.check_records = 256
    # A training record that cannot be read (truncated, ids outside the classes, no partner, ...): "error" stops, "skip"
    # puts another in its place, tells its file and the reason, and stops where more than this share is bad.
    data.on_bad_record = "error"
    data.max_bad_share = 0.01
    # custom: the three folders. Files are paired by name, extensions aside.
    data.label_dir = ""
    data.image_dir = ""
    data.instance_dir = ""
    # scenes: the domain (day, dusk, night, winter) and the number of scenes in each split.
    data.domain = "day"
    data.train_length = 4000
    data.eval_length = 200
    # Translation of pictures: "paired" or "unpaired"; "": none, label maps become images. A batch then holds "source",
    # the picture to translate. Data sets of label maps translate the coloured label map where they are paired.
    data.pairing = ""
    # Which side of two is translated: "AtoB" or "BtoA".
    data.direction = "AtoB"
    # scenes: the domain of the source: of the same scene where paired ("": its coloured label map), else of others.
    data.source_domain = ""
    # Unpaired translation between several domains: their names (scenes: day, dusk, night, winter; domain_folders: the
    # folders in each split's). A batch then holds the domain of the target, "domain", and "source_domain".
    data.domains = ()
    # With data.domains, give each record another image of the target's domain ("second_image", for StarGAN v2).
    data.second_image = False
    # celeba, and tfds with a feature of booleans: the attributes to read, by name. A batch then holds "attributes",
    # int32 [B, c], 0 or 1; and where data.pairing=unpaired "source_attributes" of "source", and those of "image", which
    # is another picture, for the target. With data.domains as well a batch also holds "domain_image", a picture of the
    # folders in data.domain_root, and its "domain" (StarGAN's joint training).
    data.attributes = ()
    data.domain_root = ""
    # celeba: how many pictures, the first by the order of StarGAN's code, are the split "test"; the others are "train".
    data.test_length = 1999
    # tfds: the builder ("name" or "name/config:version") and the features that hold image, label map, attributes.
    data.tfds_name = ""
    data.tfds_image_key = "image"
    data.tfds_label_key = "segmentation_label"
    data.tfds_attributes_key = "attributes"
    return data
