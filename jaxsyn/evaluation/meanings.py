"""What each metric of a report is, in a line, and which way is better."""

MEANINGS = {
    "ssim": ("structural similarity to the true image", "higher"),
    "ms_ssim": ("the same at five scales", "higher"),
    "psnr": ("peak signal-to-noise ratio to the true image, dB", "higher"),
    "rmse": ("root mean square error, pixels in [0, 1]", "lower"),
    "l1": ("mean absolute difference from the true image, pixels in [-1, 1]", "lower"),
    "lpips": ("perceptual distance from the true image, AlexNet, version 0.1", "lower"),
    "lpips_vgg": ("the same on VGG-16", "lower"),
    "lpips_squeeze": ("the same on SqueezeNet", "lower"),
    "dipd": ("distance of instance-normalised VGG-16 features: is the content the same?", "lower"),
    "scenes_miou": ("mean IoU of what the segmenter of scenes sees in generated images with the label map", "higher"),
    "scenes_miou_real": ("the same for true images: what can be reached", ""),
    "scenes_miou_ratio": ("generated over true", "higher"),
    "scenes_accuracy": ("share of pixels that the segmenter of scenes names as the label map does", "higher"),
    "scenes_accuracy_real": ("the same for true images: what can be reached", ""),
    "scenes_fd": ("Frechet distance of that segmenter's features: not an FID", "lower"),
    "scenes_domain_accuracy": ("share of generated images that a classifier finds in the domain asked for", "higher"),
    "scenes_domain_accuracy_real": ("the same for true images of that domain: what can be reached", ""),
    "miou": ("mean IoU of what a public segmenter sees in generated images with the label map", "higher"),
    "accuracy": ("share of labelled pixels that this segmenter names as the label map does", "higher"),
    "fid": ("Frechet distance of Inception features of generated and true images", "lower"),
    "kid": ("squared discrepancy of Inception features under a cubic kernel", "lower"),
    "is": ("Inception Score of generated images: sure of each, many classes over all", "higher"),
    "cis": ("Inception Score of the samples of one input: do they differ in kind?", "higher"),
    "precision": ("share of generated images inside the neighbourhoods of true ones: are they real?", "higher"),
    "recall": ("share of true images inside the neighbourhoods of generated ones: are all kinds there?", "higher"),
    "density": ("neighbourhoods of true images around a generated one, over their expected number", "higher"),
    "coverage": ("share of true images with a generated one in their neighbourhood", "higher"),
    "swd": ("mean of these levels", "lower"),
    "l1_diversity": ("mean absolute difference between samples of one input", "higher"),
    "lpips_diversity": ("perceptual distance between samples of one input", "higher"),
    "mcsd": ("perceptual distance in a class between images that differ in its latent alone", "higher"),
    "mocd": ("the same outside that class", "lower"),
    "l1_inside": ("mean absolute difference in a class between images that differ in its latent alone", "higher"),
    "l1_outside": ("the same outside that class", "lower"),
    "l1_locality": ("the former over the latter", "higher"),
}


def meaning(name: str) -> tuple[str, str]:
    """A line on a score, and which way is better ("" where neither); two empty strings for a name unknown here."""
    if name.startswith("swd_"):
        return f"sliced Wasserstein distance of patches at the level of {name.removeprefix('swd_')}", "lower"
    return MEANINGS.get(name, ("", ""))
