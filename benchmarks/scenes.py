"""Drawing a scene against reading it from the cache: scenes a second at 128 pixels, on one core."""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import tempfile  # noqa: E402
import time  # noqa: E402

import torch  # noqa: E402

from coursekit.data import PetScenes  # noqa: E402

SCENES = 60


def rate(data: PetScenes) -> float:
    """Scenes a second of processor time over a data set."""
    start = time.process_time()
    for i in range(len(data)):
        data[i]
    return len(data) / (time.process_time() - start)


if __name__ == "__main__":
    torch.set_num_threads(1)
    PetScenes("val", 2, cache=False)[1]       # noise tiles are made once a process
    drawn = rate(PetScenes("test", SCENES, cache=False))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COURSEKIT_CACHE"] = folder
        rate(PetScenes("test", SCENES))
        read = rate(PetScenes("test", SCENES))
    print(f"PetScenes at 128 px, one core: {drawn:.1f} scenes/s drawn, {read:.0f} scenes/s read "
          f"from the cache: reading is {read / drawn:.1f} times as fast as drawing")
