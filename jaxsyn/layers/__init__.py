"""Functional building blocks; they know nothing of methods, data or training.

Two conventions hold for every layer here:

- Arrays are NHWC and parameters float32; `dtype` is the dtype that a layer computes in.
- No layer takes a `train` flag. A layer with state (running statistics, spectral vectors) is in training mode where
  its collection is mutable: `module.apply(variables, x, mutable=["batch_stats", "spectral"])` trains, and
  `module.apply(variables, x)` evaluates.
"""

from jaxsyn.layers.ace import ACE, StyledLabel
from jaxsyn.layers.activation import Activation
from jaxsyn.layers.adain import adain
from jaxsyn.layers.adalin import LIN, AdaLIN, SoftmaxMix, instance_and_layer_norm
from jaxsyn.layers.clade import CLADE, ClassAffine, PositionedLabels, look_up_classes
from jaxsyn.layers.class_activation import ClassActivation, attend, mean_and_max
from jaxsyn.layers.class_crops import class_crops
from jaxsyn.layers.conditional_conv import conditional_convolve, taps_first
from jaxsyn.layers.constant_conv import convolve_constant
from jaxsyn.layers.convolution import Conv, ConvTranspose, Dense, add_bias, convolve
from jaxsyn.layers.dropout import Dropout
from jaxsyn.layers.edge_distance import edge_distances
from jaxsyn.layers.group_spade import GroupSPADE
from jaxsyn.layers.image_pool import ImagePool
from jaxsyn.layers.inade import INADE, InstanceLayout, paint_instances
from jaxsyn.layers.initializers import initializer
from jaxsyn.layers.instance_conv import InstanceConv, instance_convolve
from jaxsyn.layers.instance_means import instance_areas, instance_means
from jaxsyn.layers.label_conv import LabelConv, label_convolve
from jaxsyn.layers.label_map import LabelMap, instance_edges
from jaxsyn.layers.label_modulation import convolve_labels_twice, with_neighbourhoods
from jaxsyn.layers.layer_norm import LayerNorm
from jaxsyn.layers.normalization import BatchNorm, GroupNorm, InstanceNorm, normalization
from jaxsyn.layers.pixel_shuffle import pixel_shuffle
from jaxsyn.layers.pixelwise import parameter_count, pixelwise_mlp, position_channels, position_encoding
from jaxsyn.layers.plane_conv import PlaneConv
from jaxsyn.layers.region_style import ClassDense, as_regions, convolve_regions, region_means
from jaxsyn.layers.resize import average_pool, resize_bilinear, resize_nearest, upsample_nearest
from jaxsyn.layers.sample_norm import SampleNorm
from jaxsyn.layers.spade import SPADE
from jaxsyn.layers.stored_spectral_conv import StoredSpectralConv
from jaxsyn.layers.tent_filter import tent_downsample, tent_downsample_label

__all__ = [
    "ACE",
    "CLADE",
    "INADE",
    "LIN",
    "SPADE",
    "Activation",
    "AdaLIN",
    "BatchNorm",
    "ClassActivation",
    "ClassAffine",
    "ClassDense",
    "Conv",
    "ConvTranspose",
    "Dense",
    "Dropout",
    "GroupNorm",
    "GroupSPADE",
    "ImagePool",
    "InstanceConv",
    "InstanceLayout",
    "InstanceNorm",
    "LabelConv",
    "LabelMap",
    "LayerNorm",
    "PlaneConv",
    "PositionedLabels",
    "SampleNorm",
    "SoftmaxMix",
    "StoredSpectralConv",
    "StyledLabel",
    "adain",
    "add_bias",
    "as_regions",
    "attend",
    "average_pool",
    "class_crops",
    "conditional_convolve",
    "convolve",
    "convolve_constant",
    "convolve_labels_twice",
    "convolve_regions",
    "edge_distances",
    "initializer",
    "instance_and_layer_norm",
    "instance_areas",
    "instance_convolve",
    "instance_edges",
    "instance_means",
    "label_convolve",
    "look_up_classes",
    "mean_and_max",
    "normalization",
    "paint_instances",
    "parameter_count",
    "pixel_shuffle",
    "pixelwise_mlp",
    "position_channels",
    "position_encoding",
    "region_means",
    "resize_bilinear",
    "resize_nearest",
    "taps_first",
    "tent_downsample",
    "tent_downsample_label",
    "upsample_nearest",
    "with_neighbourhoods",
]
