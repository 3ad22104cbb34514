"""Penn-Fudan as samples: a made data set of 60 tiny photographs, then the real one."""

import hashlib
import io

import numpy as np
import pytest
import torch
import torchvision
from local_server import Server, zipped
from PIL import Image

from coursekit.data import pennfudan
from coursekit.data.pennfudan import PennFudan
from coursekit.data.sample import check_sample


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(np.array(array, dtype=np.uint8)).save(buffer, "png")
    return buffer.getvalue()


IDS = [[0, 1, 1, 0, 0], [0, 1, 0, 0, 2], [0, 0, 0, 2, 2]]  # (3, 5): two pedestrians
PHOTO = np.arange(45).reshape(3, 5, 3)
NAMES = [f"PennPed{number:05}" for number in range(60)]
FILES = {f"PNGImages/{name}.png": png(PHOTO) for name in NAMES}
FILES |= {f"PedMasks/{name}_mask.png": png(IDS) for name in NAMES}
FILES |= {f"PedMasks/{NAMES[1]}_mask.png": png(np.zeros((3, 5)))}


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server with the made data set in the place of the real one."""
    lines = [f"{hashlib.sha256(d).hexdigest()}  {len(d)}  {name}\n" for name, d in FILES.items()]
    (tmp_path / "manifest.txt").write_text("".join(lines))
    monkeypatch.setattr(pennfudan, "MANIFEST", tmp_path / "manifest.txt")
    for name, value in {"no_proxy": "127.0.0.1", "COURSEKIT_PLAIN": "1",
                        "COURSEKIT_CACHE": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("COURSEKIT_DATA", raising=False)
    with Server(zipped(FILES, "PennFudanPed/")) as server:
        monkeypatch.setattr(pennfudan, "ADDRESSES", (server.address,))
        yield server


def test_the_first_use_downloads_into_the_cache_and_the_second_reads(server, tmp_path):
    assert len(PennFudan()) == len(PennFudan()) == 60
    assert (tmp_path / "cache" / "PennFudanPed" / "PNGImages").is_dir()
    assert len(server.log) == 1


def test_root_comes_before_the_environment_and_the_cache(server, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSEKIT_DATA", str(tmp_path / "nothing here"))
    assert PennFudan(root=tmp_path / "mine").folder == tmp_path / "mine" / "PennFudanPed"
    monkeypatch.setenv("COURSEKIT_DATA", str(tmp_path / "mine"))
    assert PennFudan().folder == tmp_path / "mine" / "PennFudanPed"
    assert not (tmp_path / "cache").exists() and len(server.log) == 1


def test_a_sample_worked_out_by_hand(server):
    image, target = PennFudan()[0]
    torch.testing.assert_close(image, torch.from_numpy(PHOTO).permute(2, 0, 1).float() / 255)
    assert target["boxes"].tolist() == [[1, 0, 3, 2], [3, 1, 5, 3]]
    assert target["labels"].tolist() == [1, 1] and target["labels"].dtype == torch.int64
    assert target["masks"][1].int().tolist() == [[0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 1, 1]]
    assert target["semantic"].tolist() == [[0, 1, 1, 0, 0], [0, 1, 0, 0, 1], [0, 0, 0, 1, 1]]
    assert target["area"].tolist() == [3, 3] and target["iscrowd"].tolist() == [0, 0]
    assert target["image_id"] == 0 and PennFudan.classes[1] == "pedestrian"


def test_a_photograph_without_pedestrians_is_a_sample(server):
    image, target = PennFudan()[1]
    check_sample(image, target)
    assert target["boxes"].shape == (0, 4) and target["masks"].shape == (0, 3, 5)
    assert target["semantic"].sum() == 0 and target["labels"].dtype == torch.int64


def test_the_splits_are_disjoint_and_complete_and_always_the_same(server):
    train, test = PennFudan("train"), PennFudan("test")
    assert (len(train), len(test)) == (10, 50)
    assert sorted(train.names + test.names) == PennFudan().names == NAMES
    assert PennFudan("test").names == test.names
    assert [test[i][1]["image_id"].item() for i in (0, 49)] == [test.numbers[0], test.numbers[49]]
    with pytest.raises(IndexError):
        test[50]


def test_another_split_is_refused():
    with pytest.raises(ValueError, match="split is 'val', but .* 'train', 'test' and None"):
        PennFudan("val")


def test_data_neither_there_nor_to_be_fetched_are_asked_for(server, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="no folder PennFudanPed in .* Put the unpacked"):
        PennFudan(download=False)
    monkeypatch.setenv("COURSEKIT_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="take COURSEKIT_DATA out of the environment"):
        PennFudan()
    assert server.log == []


@pytest.mark.parametrize("spoil", [lambda file: file.unlink(), lambda file: file.write_bytes(b"x")],
                         ids=["missing", "another size"])
def test_a_folder_that_is_not_whole_is_refused(server, tmp_path, spoil):
    spoil(PennFudan().folder / "PedMasks" / "PennPed00007_mask.png")
    with pytest.raises(FileNotFoundError, match="lacks 1 of 120 files .*, first PedMasks/PennPed"
                                                "00007_mask.png. Remove that folder"):
        PennFudan()


def test_a_photograph_damaged_on_the_disk_is_named(server):
    data = PennFudan()
    (data.folder / "PNGImages" / "PennPed00000.png").write_bytes(b"not a picture")
    with pytest.raises(ValueError, match="PennPed00000.png .* PIL cannot read it"):
        data[0]


# --- the real photographs ----------------------------------------------------------------------

@pytest.mark.needs_pennfudan
def test_there_are_170_photographs_with_423_pedestrians_120_to_train():
    train, test = PennFudan("train"), PennFudan("test")
    assert (len(train), len(test)) == (120, 50)
    masks = [train.folder / "PedMasks" / f"{name}_mask.png" for name in train.names + test.names]
    highest = [Image.open(mask).getextrema()[1] for mask in masks]  # of 0, 1 .. N
    assert sum(highest) == 423 and min(highest) == 1
    assert len(test[0][1]["boxes"]) == highest[120]
    assert test.names[:3] == ["FudanPed00005", "FudanPed00006", "FudanPed00008"]


@pytest.mark.needs_pennfudan
def test_boxes_equal_torchvisions_made_half_open_and_samples_are_sound():
    data = PennFudan()
    for index in range(0, 170, 17):
        image, target = data[index]
        check_sample(image, target)
        inclusive = torchvision.ops.masks_to_boxes(target["masks"])
        torch.testing.assert_close(target["boxes"], inclusive + torch.tensor([0., 0., 1., 1.]))
        assert torch.equal(target["semantic"].bool(), target["masks"].any(dim=0))


@pytest.mark.needs_pennfudan
def test_every_file_has_the_manifests_sha256():
    folder = PennFudan().folder
    for file, (digest, _) in pennfudan.read_manifest(pennfudan.MANIFEST).items():
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == digest
