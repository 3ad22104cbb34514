"""coursekit, the helper package of the course 'Pixels to Instances'.

Small enough to be read: a module is one idea, in the words of the chapter that teaches it. Import
the module you need (`from coursekit import boxes`, `from coursekit.data import PetScenes`);
importing `coursekit` alone loads nothing else.

The letters are the same everywhere: B images, C channels, H height, W width, N boxes,
M ground-truth boxes, R regions, A anchor shapes a cell, K classes with background as class 0.
Sizes are (height, width), coordinates are (x, y).
"""

__version__ = "0.1.0"
