"""Published weights: fetched once, whole and the right ones; COCO's Mask R-CNN is torchvision's."""

import hashlib
from random import Random

import pytest
import torch
from local_server import Server
from random_inputs import with_ordinary_features
from torchvision.models.detection import fasterrcnn_resnet50_fpn, maskrcnn_resnet50_fpn

from coursekit.models.hub import cached, fetched, origin
from coursekit.models.official import NAMES, OFFICIAL, official_mask_rcnn, official_origin

CONTENT = Random(1).randbytes(200_000)
DIGITS = hashlib.sha256(CONTENT).hexdigest()[:8]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache of torch.hub's; its folder of files."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("COURSEKIT_PLAIN", "1")
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture
def server():
    with Server(CONTENT) as server:
        yield server


def address(server, digits=DIGITS):
    return f"http://127.0.0.1:{server.server_port}/models/net-{digits}.pth"


def test_a_file_is_fetched_once_into_torchs_cache(server, cache, capsys):
    file = fetched(address(server))
    assert file == cached(address(server)) == cache / f"net-{DIGITS}.pth"
    assert fetched(address(server)).read_bytes() == CONTENT and len(server.log) == 1
    assert [path.name for path in cache.iterdir()] == [file.name]
    assert capsys.readouterr() == ("", "")              # nothing that a notebook would store
    assert origin(address(server)) == (
        f"weights: ≈ net-{DIGITS}.pth, SHA-256 {DIGITS}…: the file published")


def test_another_file_than_the_name_says_is_not_kept(server, cache):
    with pytest.raises(FileNotFoundError, match="net-0123abcd.pth is not in torch's cache and .*"
                                                r"another SHA-256 than its name says\): get it"):
        fetched(address(server, "0123abcd"))
    assert not any(cache.iterdir())


def test_a_line_that_breaks_goes_on_where_it_broke(server):
    server.cut = [70_000]
    assert fetched(address(server)).read_bytes() == CONTENT
    assert [asked for asked, _ in server.log] == [None, "bytes=70000-"]


def test_without_a_line_one_sentence_says_what_is_missing(server, cache):
    server.status = 404
    with pytest.raises(FileNotFoundError) as caught:
        fetched(address(server))
    assert str(caught.value) == (
        f"net-{DIGITS}.pth is not in torch's cache and could not be fetched (the server answered "
        f"404 Not Found): get it from {address(server)} and put it into the folder checkpoints of "
        f"torch.hub.get_dir().")
    assert str(cache) not in str(caught.value)          # a notebook will print it


def test_a_file_that_somebody_put_there_is_taken_and_told(server, cache):
    cache.mkdir(parents=True)
    (cache / f"net-{DIGITS}.pth").write_bytes(b"mine")
    assert fetched(address(server)).read_bytes() == b"mine" and not server.log
    mine = hashlib.sha256(b"mine").hexdigest()[:8]
    assert origin(address(server)).endswith(
        f"SHA-256 {mine}…: a file of that name, but not the one published")


# --- COCO's Mask R-CNN ---------------------------------------------------------------------------

def as_published(model):
    """A model's state as the official file has it: no counts of batches, the older names."""
    state = {key: value for key, value in model.state_dict().items()
             if not key.endswith("num_batches_tracked")}
    names = {"rpn.head.conv.0.0.": "rpn.head.conv."} | {
        f"roi_heads.mask_head.{n}.0.": f"roi_heads.mask_head.mask_fcn{n + 1}." for n in range(4)}
    for new, old in names.items():
        state = {key.replace(new, old): value for key, value in state.items()}
    return state


def put(state, cache):
    cache.mkdir(parents=True)
    torch.save(state, cache / OFFICIAL.url.rpartition("/")[2])


@pytest.mark.timeout(240)
def test_the_official_file_gives_torchvisions_detections(cache):
    """A file made here in its format and under its name: 91 classes, frozen statistics, eps 0."""
    torch.manual_seed(0)
    few = {"rpn_pre_nms_top_n_test": 60, "rpn_post_nms_top_n_test": 9}       # a test must be quick
    theirs = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=len(NAMES),
                                   min_size=64, max_size=120, **few)
    with_ordinary_features(theirs, scores=30)
    for part in theirs.backbone.modules():
        part.eps = 1e-12                                # 0 in the official file; here above it
    put(as_published(theirs), cache)
    ours = official_mask_rcnn()
    (cache / OFFICIAL.url.rpartition("/")[2]).unlink()                       # 170 MB
    assert not ours.training and ours.resize == (800, 1333) and ours.rpn.after == (2000, 1000)
    ours.resize, ours.rpn.before, ours.rpn.after = (64, 120), (60, 60), (20, 9)
    picture = [torch.rand(3, 60, 97, generator=torch.Generator().manual_seed(0))]
    with torch.no_grad():
        (mine,), (wanted,) = ours(picture), theirs.eval()(picture)
    assert len(wanted["labels"]) > 5 and mine["labels"].equal(wanted["labels"])
    assert wanted["labels"].max() > 20                  # classes beyond the course's own
    torch.testing.assert_close(mine["boxes"], wanted["boxes"], rtol=0, atol=1e-2)
    torch.testing.assert_close(mine["scores"], wanted["scores"], rtol=0, atol=1e-4)
    torch.testing.assert_close(mine["masks"], wanted["masks"], rtol=0, atol=1e-3)


def test_the_names_are_91_with_ten_gaps_and_coco_s_ids():
    assert len(NAMES) == 91 and NAMES[0] == "__background__"
    assert [n for n, name in enumerate(NAMES) if name == "N/A"] == [
        12, 26, 29, 30, 45, 66, 68, 69, 71, 83]
    assert NAMES[1] == "person" and NAMES[18] == "dog" and NAMES[90] == "toothbrush"


@pytest.mark.parametrize("state, message", [
    ({"layer.weight": torch.zeros(3)}, "holds other weights .*got an entry 'layer.weight'"),
    ([torch.zeros(3)], "holds other weights"),
])
def test_a_file_of_something_else_is_named(cache, state, message):
    put(state, cache)
    with pytest.raises(ValueError, match=f"^maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth .*{message}.* "
                                         f"Remove it from .*checkpoints and run this again"):
        official_mask_rcnn()


def test_a_damaged_file_is_named(cache):
    put({}, cache)
    file = cache / OFFICIAL.url.rpartition("/")[2]
    for content in (b"<html>no such page</html>", b"", file.read_bytes()[:-80]):
        file.write_bytes(content)
        with pytest.raises(ValueError, match="pth in torch's cache is damaged, or no file .* Re"):
            official_mask_rcnn()
    assert "but not the one published" in official_origin()


@pytest.mark.timeout(240)
def test_another_detector_under_that_name_is_refused(cache):
    put(as_published(fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=3)),
        cache)
    with pytest.raises(ValueError, match="holds a FasterRCNN of 3 classes, but COCO's Mask R-CNN "
                                         "has 91. Remove it"):
        official_mask_rcnn()
