"""The metrics as pure functions of arrays, one module a family; nothing here reads files or holds weights.

| module | functions |
| --- | --- |
| frechet | FeatureStatistics, frechet, frechet_distance |
| kernel_distance | kid, mmd2, mmd2_variance, polynomial_kernel, gaussian_kernel |
| inception_score | inception_score, conditional_inception_score |
| precision_recall | precision_recall, nearest_neighbour_accuracy, neighbour_radii |
| lpips | lpips, lpips_layers, lpips_map |
| structural | ssim, ms_ssim, psnr, rmse, l1 |
| sliced_wasserstein | laplacian_pyramid, patches, standardise, sliced_wasserstein, sliced_wasserstein_on_host |
| segmentation | confusion_matrix, mean_iou, pixel_accuracy, mean_accuracy, frequency_weighted_iou |
| detection | average_precision over a user's Detector, objects_of |
| class_diversity | mCSD and mOCD: class_diversity, keep_region, region_mean |
| dipd | dipd, dipd_l2, dipd_channel |
"""
