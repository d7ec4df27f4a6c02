"""The cases of `metrics` that need no network: arrays in, numbers out."""

from typing import Any

import numpy as np

from jaxsyn.data.label_ids import ClassMapper, LabelIds
from jaxsyn.evaluation.labels import ade20k_classes, cityscapes_train_ids
from jaxsyn.evaluation.metrics import (
    frechet,
    inception_score,
    kernel_distance,
    precision_recall,
    segmentation,
    sliced_wasserstein,
    structural,
)
from jaxsyn.layers import resample
from jaxsyn.layers.label_map import LabelMap, instance_edges
from jaxsyn.layers.resize import resize_nearest
from tests.parity.case import Case, nchw_to_nhwc, nhwc_to_nchw

Values = dict[str, Any]


def run_fid(case: Case, _: Any) -> Values:
    sets = {}
    for name in ("real", "fake"):
        features = case.inputs[name]
        sets[name] = frechet.FeatureStatistics(features.shape[1])
        for start in range(0, len(features), 16):
            sets[name].update(features[start : start + 16])
    real, fake = sets["real"], sets["fake"]
    distance = frechet.frechet(real, fake)
    moments = (real.mean, real.covariance, fake.mean, fake.covariance)
    names = ("fid", "fid_stargan_v2", "fid_imaginaire", "fid_float32_mean")
    return {
        "mu_real": real.mean,
        "sigma_real": real.covariance,
        "mu_fake": fake.mean,
        "sigma_fake": fake.covariance,
        "mean_term": distance.mean_term,
        "covariance_term": distance.covariance_term,
        "fid_with_eps_1e-6_on_both_diagonals": sum(frechet.frechet_distance(*moments, offset=1e-6)),
    } | dict.fromkeys(names, distance.value)


def run_kid(case: Case, _: Any) -> Values:
    real, fake = case.inputs["real"], case.inputs["fake"]
    config = case.config
    found = kernel_distance.kid(real, fake, config["subsets"], config["subset_size"], config["rng_seed"])
    estimates = {"unbiased": [], "biased": [], "u_statistic": [], "rbf": [], "variance": []}
    for of_fake, of_real in zip(case.inputs["index_fake"], case.inputs["index_real"], strict=True):
        x, y = fake[of_fake].astype(np.float64), real[of_real].astype(np.float64)
        pairs = ((x, x), (y, y), (x, y))
        cubic = [np.asarray(kernel_distance.polynomial_kernel(a, b, config["degree"]), np.float64) for a, b in pairs]
        for estimator in ("unbiased", "biased", "u_statistic"):
            estimates[estimator].append(kernel_distance.mmd2(*cubic, estimator))
        estimates["variance"].append(kernel_distance.mmd2_variance(*cubic))
        radial = [kernel_distance.gaussian_kernel(a, b, config["rbf_sigma"]) for a, b in pairs]
        estimates["rbf"].append(kernel_distance.mmd2(*radial))
    values = {f"mmd2_{name}": np.array(value, np.float64) for name, value in estimates.items()}
    return values | {"kid_mean": found.mean, "kid_std": found.std}


def run_inception_score(case: Case, _: Any) -> Values:
    logits = case.inputs["logits"]
    values = {"probabilities_head": np.exp(inception_score.log_softmax(logits))[:4]}
    orders = {"in_order": np.arange(len(logits)), "shuffled": inception_score.shuffled(len(logits))}
    for splits in case.config["splits"]:
        for name, order in orders.items():
            mean, std = inception_score.inception_score(logits[order], splits)
            values |= {f"splits{splits}_{name}_mean": mean, f"splits{splits}_{name}_std": std}
    return values


def run_precision_recall(case: Case, _: Any) -> Values:
    real, fake, neighbours = case.inputs["real"], case.inputs["fake"], case.config["neighbourhood"]
    closed = precision_recall.precision_recall(real, fake, neighbours)
    strict = precision_recall.precision_recall(real, fake, case.config["prdc_nearest_k"], strict=True)
    told = precision_recall.nearest_neighbour_accuracy(real, fake)
    return {
        "real_radius": precision_recall.neighbour_radii(real, neighbours),
        "precision": closed.precision,
        "recall": closed.recall,
        "f_score": closed.f_score,
        "prdc_precision": strict.precision,
        "prdc_recall": strict.recall,
        "prdc_density": strict.density,
        "prdc_coverage": strict.coverage,
        "nn1_accuracy": told.both,
        "nn1_accuracy_real": told.real,
        "nn1_accuracy_fake": told.fake,
    }


def run_ssim_psnr(case: Case, _: Any) -> Values:
    real, fake = (nchw_to_nhwc(case.inputs[name]).astype(np.float32) for name in ("real", "fake"))
    span = case.config["data_range"]
    gaussian, box = structural.gaussian_window(), structural.box_window()
    fake_range = np.ptp(fake, axis=(1, 2, 3))
    grey_real, grey_fake = structural.luma(real), structural.luma(fake)
    similarity, contrast = structural.ssim_map(real, fake, window=gaussian, data_range=span)
    first_map, _ = structural.ssim_map(real[:1], fake[:1], window=gaussian, data_range=span, border="symmetric")
    psnr = structural.psnr(real, fake, span)
    values = {
        "ssim_uniform7": structural.ssim(real, fake, data_range=span, window=box, sample_covariance=True),
        "ssim_gaussian": structural.ssim(real, fake, data_range=span),
        "ssim_gaussian_range_of_fake": structural.ssim(real, fake, data_range=fake_range),
        "ssim_zero_padded11": structural.ssim(real, fake, data_range=span, border="zero"),
        "ssim_uniform7_luma": structural.ssim(
            grey_real, grey_fake, data_range=span, window=box, sample_covariance=True
        ),
        "psnr": psnr,
        "rmse_0_1": structural.rmse(real / 255, fake / 255),
        "l1_pm1": structural.l1(real / 127.5, fake / 127.5),
        # The script's images are in [0, 1], its error scaled by 128.
        "selectiongan_lua_psnr": psnr + 20 * np.log10(255 / 128),
        "selectiongan_lua_ssim": structural.ssim(grey_real, grey_fake, border="full"),
        "ssim_valid11": similarity.mean((1, 2, 3)),
        "contrast_valid11": contrast.mean((1, 2, 3)),
    }
    values = {name: np.asarray(value) for name, value in values.items()}
    values["ms_ssim_3_levels"] = structural.ms_ssim(real, fake, weights=(0.3, 0.3, 0.4)).mean()
    return values | {"ssim_gaussian_map_first": nhwc_to_nchw(first_map)[0]}


def run_miou(case: Case, _: Any) -> Values:
    label, prediction, classes = case.inputs["label"], case.inputs["prediction"], case.config["classes"]
    counts = np.asarray(segmentation.confusion_matrix(label, prediction, classes))
    iou = segmentation.iou_per_class(counts)
    return {
        "confusion": counts,
        "iou_per_class": np.where(np.isnan(iou), -1, iou),
        "csail_iou_per_class": np.nan_to_num(iou),
        "miou_drn": segmentation.mean_iou(counts, "union"),
        "miou_deeplab": segmentation.mean_iou(counts, "labels"),
        "miou_csail": segmentation.mean_iou(counts, "all"),
        "miou_percent_imaginaire": 100 * segmentation.mean_iou(counts, "all"),
        "pixel_accuracy": segmentation.pixel_accuracy(counts),
        "pixel_accuracy_csail": segmentation.pixel_accuracy(counts),
        "mean_accuracy": segmentation.mean_accuracy(counts),
        "frequency_weighted_iou": segmentation.frequency_weighted_iou(counts),
    }


def run_swd(case: Case, _: Any) -> Values:
    values, images = {}, {name: nchw_to_nhwc(case.inputs[name]).astype(np.float32) for name in ("real", "fake")}
    levels = case.config["levels"]
    for variant, prefix in (
        (sliced_wasserstein.PROGRESSIVE_GAN, ""),
        (sliced_wasserstein.MMGENERATION, "mmgeneration_"),
    ):
        scaled = {name: x / 127.5 - 1 if prefix else x for name, x in images.items()}
        pyramids = {name: sliced_wasserstein.laplacian_pyramid(x, levels, variant) for name, x in scaled.items()}
        distances = []
        for level in range(levels):
            descriptors = {}
            for name, pyramid in pyramids.items():
                where = (case.inputs[f"{name}_{axis}{level}"] for axis in "xy")
                found = sliced_wasserstein.patches(pyramid[level], *where)
                descriptors[name] = sliced_wasserstein.standardise(found, 3, variant)
            directions = case.inputs[f"directions{level}"]
            distance = sliced_wasserstein.sliced_wasserstein(descriptors["real"], descriptors["fake"], directions)
            distances.append(1e3 * float(distance))
            values[f"{prefix}swd_x1e3_{scaled['real'].shape[1] >> level}"] = distances[-1]
            if not prefix:
                reference = case.outputs[f"real_pyramid{level}"]
                values[f"real_pyramid{level}"] = nhwc_to_nchw(pyramids["real"][level])[: len(reference)]
                values[f"real_descriptors{level}"] = np.asarray(descriptors["real"])[:3]
        values[f"{prefix}swd_x1e3_average"] = np.mean(distances)
    return values


def run_resize(case: Case, _: Any) -> Values:
    image = nchw_to_nhwc(case.inputs["image"])
    axes = {
        "tensorflow1": resample.tensorflow1_axis,
        "torch_bilinear": resample.bilinear_axis,
        "torch_bicubic_align_corners": resample.bicubic_aligned_axis,
        "pil_bicubic_float": resample.pillow_bicubic_axis,
        "torch_area": resample.area_axis,
    }
    whole = {
        "pil_bilinear": resample.resize_pillow,
        "torch_nearest": resize_nearest,
        "pil_nearest": resample.resize_nearest_pillow,
    }
    values = {}
    for height, width in case.config["sizes"]:
        for name in (*axes, *whole):
            rule = whole.get(name)
            resized = rule(image, height, width) if rule else resample.resample(image, height, width, axes[name])
            step = -(-height // 24)
            values[f"{name}_{height}x{width}"] = nhwc_to_nchw(resized)[:, :, ::step, ::step]
    return values


def run_label_maps(case: Case, _: Any) -> Values:
    cityscapes, instance, coco, ade = (case.inputs[name] for name in ("cityscapes", "instance", "coco", "ade"))
    height, width = case.config["size"]
    edges = instance_edges(instance[None])
    semantics = LabelMap(cityscapes[None].astype(np.int32), edges, 35).dense()[0]
    classes = {
        "spade_coco": ClassMapper(LabelIds(182, 255))(coco, "coco"),
        "spade_ade_as_run": ClassMapper(LabelIds(150, None, "raw"))(ade, "ade"),
        "spade_ade_as_meant": ClassMapper(LabelIds(150, None, "shifted"))(ade, "ade"),
        "oasis_ade": ClassMapper(LabelIds(150, None, "raw"))(ade, "ade"),
        "cityscapes_train_ids": cityscapes_train_ids(cityscapes),
        "uper_ade": ade20k_classes(ade),
        "instance_edges": edges[0, ..., 0],
        "spade_cityscapes_semantics_argmax": semantics[..., :35].argmax(-1),
        "pillow_nearest_cityscapes": resample.resize_nearest_pillow(cityscapes[None], height, width)[0],
        "torch_nearest_cityscapes": resize_nearest(cityscapes[None], height, width)[0],
        "pillow_nearest_coco": resample.resize_nearest_pillow(coco[None], height, width)[0],
    }
    # OASIS puts the unknown class first, SPADE last.
    classes["oasis_coco"] = (classes["spade_coco"].astype(np.int32) + 1) % 183
    values = {name: np.asarray(value, np.int32) for name, value in classes.items()}
    return values | {"spade_cityscapes_semantics_sum": semantics.sum(-1), "edge_fraction": edges.mean()}


RUNNERS = {
    "fid": run_fid,
    "kid": run_kid,
    "inception_score": run_inception_score,
    "precision_recall": run_precision_recall,
    "ssim_psnr": run_ssim_psnr,
    "miou": run_miou,
    "swd": run_swd,
    "resize": run_resize,
    "label_maps": run_label_maps,
}
