"""Region proposals: a few hundred or thousand boxes among which every object should have its own.

A detector that looks at proposals looks at some 2000 places rather than at the hundred thousand of
a sliding window. This package finds them as selective search does. A module a step: `regions`
measures the pieces of a cut-up picture, `grouping` joins them, `selective_search` does so for
several cuts and puts the boxes in order.

Source: Uijlings et al. 2013, 'Selective search for object recognition'.
"""

from coursekit.proposals.grouping import SIMILARITIES, group, similarities
from coursekit.proposals.regions import (
    Regions,
    color_bins,
    describe,
    neighbours,
    texture_bins,
    to_space,
)
from coursekit.proposals.selective_search import MODES, hierarchies, selective_search

__all__ = ["MODES", "SIMILARITIES", "Regions", "color_bins", "describe", "group", "hierarchies",
           "neighbours", "selective_search", "similarities", "texture_bins", "to_space"]
