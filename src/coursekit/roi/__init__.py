"""Regions of interest: from boxes of any size to blocks of features of one size.

A detector runs its network once over the whole picture and then cuts every region out of the map of
features. Regions differ in size, the layers that judge them want one size: each region is divided
into the same number of bins, and every bin becomes one number a channel. `roi_pool` rounds the
region and its bins to whole cells and takes the greatest; `roi_align` rounds nothing and averages
points between cells. Arguments and results are those of torchvision.ops.

Letters: B images, C channels, H W of the map, R regions, P Q bins down and across.
"""

from coursekit.roi.align import roi_align
from coursekit.roi.levels import align_levels, level_of
from coursekit.roi.pool import cells, roi_pool
from coursekit.roi.regions import as_rows

__all__ = ["align_levels", "as_rows", "cells", "level_of", "roi_align", "roi_pool"]
