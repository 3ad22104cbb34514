"""Three data sets in one sample format: drawn scenes, street photographs, and your own pictures."""

from coursekit.data.audit import audit
from coursekit.data.coco import CocoFolder
from coursekit.data.collate import collate
from coursekit.data.pennfudan import PennFudan
from coursekit.data.petscenes import PetScenes
from coursekit.data.sample import CLASSES, STUFF, THINGS, VOID, cache_dir, check_sample

__all__ = ["CLASSES", "STUFF", "THINGS", "VOID", "CocoFolder", "PennFudan", "PetScenes",
           "audit", "cache_dir", "check_sample", "collate"]
