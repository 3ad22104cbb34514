"""Everything that the playground's page needs, where the site serves it.

The network (playground_model.py) and the animals (playground_sprites.py) are made once, and again
when the code or the weights that they come from change. A stored answer is made with them, for
readers without scripts: PetScenes draws the scene that the page opens with, and the network itself,
in PyTorch, says what it sees.

K classes with background 0, N detections.
"""

import gzip
import html
import json
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import playground_model
import playground_sprites
import torch
from hero import tint
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from coursekit.data.sample import CLASSES
from coursekit.style import CLASS_COLORS, text_on

ROOT = Path(__file__).resolve().parent.parent
MADE = ROOT / "_build" / "playground"
RUNTIME = ROOT / "node_modules" / "onnxruntime-web"
RUNTIME_FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
SOURCES = ("src/coursekit/**/*.py", "src/coursekit/weights/mask-rcnn.safetensors",
           "scripts/playground_*.py", "scripts/hero.py", "package-lock.json")
SHOWN = 0.5                     # least score of a detection in the stored answer
ENLARGED = 4                    # screen pixels to a pixel of its picture


def stage(static: Path) -> None:
    """Put scripts, network, animals and runtime into the folder that the site serves."""
    vendor = static / "vendor" / "onnxruntime"
    vendor.mkdir(parents=True)
    for name in RUNTIME_FILES:
        shutil.copy(RUNTIME / "dist" / name, vendor)
    shutil.copy(RUNTIME / "README.md", vendor / "README.txt")
    make()
    shutil.copytree(MADE, static / "playground",
                    ignore=shutil.ignore_patterns("made-from", "*.html"))
    for script in (ROOT / "book/playground").glob("*.js"):
        shutil.copy(script, static / "figures")


def make() -> None:
    """Fill `MADE`, unless what is there came from the same code and weights."""
    digest = sha256()
    for path in sorted({path for pattern in SOURCES for path in ROOT.glob(pattern)}):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    stamp = MADE / "made-from"
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    shutil.rmtree(MADE, ignore_errors=True)
    MADE.mkdir(parents=True)
    playground_model.write(MADE)
    playground_sprites.write(MADE)
    write_answer(MADE)
    plan = json.loads((MADE / "stage.json").read_text())
    plan["megabytes"] = round(download() / 1e6)
    (MADE / "stage.json").write_text(json.dumps(plan, separators=(",", ":")))
    stamp.write_text(digest.hexdigest())


def download() -> int:
    """Bytes that a click on the page's button asks for: scripts compressed, the network as it is.

    A host that compresses unknown kinds of file sends less.
    """
    scripts = [RUNTIME / "dist" / name for name in RUNTIME_FILES]
    return (sum(len(gzip.compress(path.read_bytes(), 6)) for path in scripts)
            + sum(path.stat().st_size for path in MADE.glob("*.onnx")))


def write_answer(folder: Path) -> None:
    """Write `answer.webp` and `answer.html`: what the network finds in the opening scene."""
    scene = playground_sprites.opening()
    image = torch.from_numpy(scene.image).permute(2, 0, 1) / 255
    found = playground_model.trained()([image])[0]
    found = {key: value[found["scores"] > SHOWN] for key, value in found.items()}
    picture(scene.image, found).save(folder / "answer.webp", quality=82, method=6)
    rows = "".join(
        f"<tr><th scope=\"row\">{CLASSES[label]}</th><td>{score:.3f}</td>"
        f"<td>{', '.join(f'{side:.1f}' for side in box.tolist())}</td></tr>"
        for box, label, score in zip(*(found[key] for key in ("boxes", "labels", "scores")),
                                     strict=True))
    caption = html.escape(f"What the network finds above a score of {SHOWN}")
    (folder / "answer.html").write_text(
        f"<table><caption>{caption}</caption><thead><tr><th>class</th><th>score</th>"
        f"<th>box, in pixels</th></tr></thead><tbody>{rows}</tbody></table>", encoding="utf-8")


def picture(image: np.ndarray, found: dict[str, Tensor]) -> Image.Image:
    """(H, W, 3) bytes, enlarged, with the N detections' boxes, names and masks."""
    image, masks = (array.repeat(ENLARGED, axis=-2 - rgb).repeat(ENLARGED, axis=-1 - rgb)
                    for array, rgb in ((image, 1), (found["masks"][:, 0].numpy() > 0.5, 0)))
    colors = [CLASS_COLORS[CLASSES[label]] for label in found["labels"]]
    for mask, color in zip(masks, colors, strict=True):
        image = tint(image, mask, color)
    page = Image.fromarray(image)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size=16)
    for box, label, score, color in zip(found["boxes"], found["labels"], found["scores"], colors,
                                        strict=True):
        x1, y1, x2, y2 = (box * ENLARGED).round().int().tolist()
        pen.rectangle((x1, y1, x2, y2), outline=color, width=3)
        text = f"{CLASSES[label]} {score:.2f}"
        pen.rectangle((x1, y1 - 22, x1 + pen.textlength(text, font=font) + 10, y1), fill=color)
        pen.text((x1 + 5, y1 - 20), text, fill=text_on(color), font=font)
    return page
