"""What the teachers' pages tell people to type, typed: the project's code, commands and options."""
import inspect
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_repository import TARGETS

from coursekit.data import CocoFolder
from coursekit.train import fit
from coursekit.train.detector import build, save_detector
from coursekit.train.options import read_options

ROOT = Path(__file__).resolve().parent.parent
TEACH = ROOT / "book/teach"
SCENES = {"bridge": 2, "market": 1, "station": 1, "park": 3}        # photographs of each


def blocks(name, language):
    text = (TEACH / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def taken(folder):
    """Photographs as a telephone writes them: on their side, with the place where they were."""
    folder.mkdir()
    for name, count in SCENES.items():
        for n in range(count):
            pixels = np.random.default_rng(n).integers(256, size=(64, 48, 3), dtype=np.uint8)
            photo = Image.fromarray(pixels)
            exif = photo.getexif()
            exif[0x0112] = 6                                        # to be turned
            exif.get_ifd(0x8825)[1] = "N"                           # GPS: north
            photo.save(folder / f"{name}_{n:02}.jpg", exif=exif)


def outline(folder):
    """What an annotation tool exports: a polygon in each photograph."""
    images, objects = [], []
    for n, path in enumerate(sorted((folder / "images").glob("*.jpg")), start=1):
        with Image.open(path) as photo:
            width, height = photo.size
        images.append({"id": n, "file_name": path.name, "width": width, "height": height})
        objects.append({"id": n, "image_id": n, "category_id": 1, "iscrowd": 0,
                        "bbox": [5, 4, 30, 20 + n],
                        "segmentation": [[5, 4, 35, 4, 5, 24 + n]]})
    (folder / "all.json").write_text(json.dumps({
        "images": images, "annotations": objects, "categories": [{"id": 1, "name": "bicycle"}]}))


def typed(code, folder):
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_projects_code_goes_from_photographs_to_a_table(tmp_path):
    upright, audited, split, measured = blocks("project.md", "python")
    taken(tmp_path / "as-taken")
    typed(upright, tmp_path)
    with Image.open(tmp_path / "street/images/bridge_00.jpg") as photo:
        assert photo.size == (64, 48) and not photo.getexif()       # turned, and no place is left
    outline(tmp_path / "street")
    assert typed(audited, tmp_path) == "('background', 'bicycle') 7\nnothing suspicious\n"
    assert typed(split, tmp_path).splitlines() == [
        "annotations.json: 3 photographs, 3 objects", "val.json: 1 photographs, 1 objects",
        "held_out.json: 3 photographs, 3 objects"]
    held = CocoFolder(tmp_path / "street/images", tmp_path / "street/held_out.json")
    assert {entry["file_name"].split("_")[0] for entry in held.images} == {"bridge", "market"}
    torch.manual_seed(0)
    card = {"model": "mask_rcnn", "backbone": "small", "classes": held.classes, "size": [48, 64]}
    save_detector(tmp_path / "runs/mask_rcnn", build("mask_rcnn", "small", 2, (48, 64)), card)
    assert "AP bicycle" in typed(measured, tmp_path)


def test_the_projects_command_has_the_options_that_there_are(tmp_path):
    command, = blocks("project.md", "bash")
    words = shlex.split(command.replace("\\\n", ""))
    assert words[:3] == ["python", "-m", "coursekit.train"]
    options = read_options(words[3:])
    assert (options.backbone, options.epochs, options.out) == ("mobilenet_v2", 10, "runs/mask_rcnn")
    assert options.size == 256                                      # as the page says
    named = set(re.findall(r"`(--[a-z-]+)", (TEACH / "project.md").read_text(encoding="utf-8")))
    for option in named:
        assert option.removeprefix("--").replace("-", "_") in vars(options), option


def test_a_training_can_go_on_as_the_questions_page_says():
    call, = [block for block in blocks("faq.md", "python") if "checkpoint" in block]
    used = set(re.findall(r"(\w+)=", call))
    assert used and used <= set(inspect.signature(fit).parameters)


def test_the_commands_that_take_the_solutions_away_leave_no_link_to_them(tmp_path):
    commands, = [block for block in blocks("faq.md", "bash") if "solutions" in block]
    first, *edits, last = commands.splitlines()
    assert first == "git rm -rq notebooks/solutions" and last == "make sync book"
    assert all(line.startswith("perl ") for line in edits)
    for name in ("_toc.yml", "notebooks/text", "book"):
        place = tmp_path / name
        place.parent.mkdir(exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, place)
    subprocess.run(["sh", "-ec", "\n".join(edits)], cwd=tmp_path, check=True)
    left = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")
            if path.suffix in (".md", ".yml") and re.search(
                r"\]\([^)]*solutions/|file: notebooks/solutions", path.read_text(encoding="utf-8"))]
    assert left == []
    assert "caption: For teachers" in (tmp_path / "_toc.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", sorted(path.name for path in TEACH.glob("*.md")))
def test_every_make_command_that_a_teachers_page_names_exists(page):
    text = (TEACH / page).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE))
    assert named <= TARGETS
