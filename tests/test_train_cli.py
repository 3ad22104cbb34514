"""`python -m coursekit.train`: what it does, alone and by twos, and what it says to bad input."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from argparse import Namespace

import pytest
import torch
from coco_scenes import IDS, NAMES, write_scenes
from processes import finish, start, together
from safetensors.torch import save_file

from coursekit.data import CocoFolder, check_sample
from coursekit.metrics import coco_ap
from coursekit.train.cli import main
from coursekit.train.detector import build, load_detector, save_detector, start_from
from coursekit.train.distributed import gather, join, leave, place
from coursekit.train.evaluate import evaluate, table
from coursekit.train.options import parser, read_options
from coursekit.train.photographs import Lessons, mirrored, open_data

CPU = torch.device("cpu")
pytestmark = pytest.mark.timeout(300)           # several processes on a busy machine


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    monkeypatch.setenv("COURSEKIT_DEVICE", "cpu")
    monkeypatch.setenv("COURSEKIT_PLAIN", "1")
    monkeypatch.delenv("GPU", raising=False)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Nine photographs to learn from, one of them without an object, and five to measure on."""
    folder = tmp_path_factory.mktemp("scenes")
    write_scenes(folder, "annotations", 9, empty=(4,))
    write_scenes(folder, "val", 5, split="val")
    return folder


def words(scenes, out, *more, model="mask_rcnn"):
    return ["--data", str(scenes), "--val-annotations", "val.json", "--model", model, "--size",
            "64", "--batch", "4", "--workers", "0", "--epochs", "2", "--out", str(out), *more]


def card_of(out):
    return json.loads((out / "model.json").read_text())


def losses_of(out):
    return [epoch["loss"] for epoch in card_of(out)["history"]]


# ---- one process


@pytest.fixture(scope="module")
def trained(scenes, tmp_path_factory):
    """A short run, and what it printed."""
    out = tmp_path_factory.mktemp("trained")
    done = subprocess.run(
        [sys.executable, "-m", "coursekit.train", *words(scenes, out)], text=True, timeout=240,
        capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1", "COURSEKIT_DEVICE": "cpu"})
    assert done.returncode == 0, done.stderr
    return out, done


def test_a_run_learns_measures_and_says_how_to_load_what_it_saved(trained):
    out, done = trained
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert "9 photographs, 3 classes, 3 steps an epoch; processes: 1; device: cpu" in lines
    assert [line[:7] for line in lines[2:4]] == ["epoch 1", "epoch 2"]
    assert lines[4] == "measured on 5 photographs:" and lines[5].split() == ["boxes", "masks"]
    assert lines[-2].startswith("AP rabbit") and f'load_detector("{out}")' in lines[-1]
    first, second = losses_of(out)
    assert second < first
    assert sorted(path.name for path in out.iterdir()) == ["checkpoint.pt", "model.json",
                                                           "model.safetensors"]


def test_a_trained_detector_is_loaded_with_its_classes_and_finds_what_was_measured(trained, scenes):
    out, _ = trained
    model, classes = load_detector(out)
    card = card_of(out)
    assert classes == ("background", *NAMES) and card["category_ids"] == list(IDS)
    assert not model.training and model.resize == (64, 107)
    scores = evaluate(model, CocoFolder(scenes / "images", scenes / "val.json"))
    for kind, score in card["scores"].items():
        assert score and score == {row: scores[kind][row] for row in score}
    checkpoint = torch.load(out / "checkpoint.pt", weights_only=True)["model"]
    assert all(torch.equal(value, checkpoint[key]) for key, value in model.state_dict().items())


def test_the_same_command_again_measures_and_does_not_train_again(trained, scenes, capsys):
    out, _ = trained
    before, numbers = losses_of(out), (out / "model.safetensors").read_bytes()
    assert main(words(scenes, out)) == 0
    assert "going on after epoch 2" in capsys.readouterr().out
    assert losses_of(out) == before and (out / "model.safetensors").read_bytes() == numbers


@pytest.mark.parametrize("more, message", [
    (["--lr", "0.01"], "belongs to a run with lr 0.001, but this one has 0.01. Give another --out"),
    (["--epochs", "3"], "belongs to a run with epochs 2, but this one has 3"),
    (["--model", "faster_rcnn"], "belongs to a run with model mask_rcnn"),
])
def test_a_checkpoint_of_another_run_is_refused(trained, scenes, capsys, more, message):
    out, _ = trained
    assert main(words(scenes, out) + more) == 1
    assert message in one_line(capsys)


def test_without_photographs_to_measure_on_it_says_so(scenes, tmp_path, capsys):
    command = words(scenes, tmp_path, "--epochs", "1", model="faster_rcnn")
    del command[2:4]
    assert main(command) == 0
    assert "Nothing is measured: --val-annotations" in capsys.readouterr().out
    assert "scores" not in card_of(tmp_path) and card_of(tmp_path)["model"] == "faster_rcnn"


# ---- several processes


def command(*arguments):
    raise SystemExit(main(list(arguments)))


def test_a_killed_worker_and_the_same_command_again_end_with_the_same_weights(scenes, tmp_path):
    cut, whole = tmp_path / "cut", tmp_path / "whole"
    team = start(2, command, *words(scenes, cut, "--epochs", "3"))
    while not (cut / "checkpoint.pt").exists():
        assert all(one.exitcode is None for one in team)
        time.sleep(0.01)
    os.kill(team[1].pid, signal.SIGKILL)                    # in the middle of the second epoch
    codes = finish(team)
    assert codes[1] == -signal.SIGKILL and codes[0] != 0
    assert not (cut / "model.safetensors").exists()
    done = torch.load(cut / "checkpoint.pt", weights_only=True)["progress"]["epochs"]
    assert 1 <= len(done) < 3
    together(2, command, *words(scenes, cut, "--epochs", "3"))
    together(2, command, *words(scenes, whole, "--epochs", "3"))
    assert losses_of(cut) == losses_of(whole) and len(losses_of(cut)) == 3
    assert (cut / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert card_of(cut)["scores"] == card_of(whole)["scores"]


def test_torchrun_starts_it_and_one_process_speaks(scenes, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         "-m", "coursekit.train", *words(scenes, tmp_path, "--epochs", "1", model="faster_rcnn")],
        capture_output=True, text=True, timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COURSEKIT_DEVICE": "cpu"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("epoch 1 ") == 1 and "processes: 2; device: cpu" in done.stdout
    assert done.stdout.count("Saved in") == 1 and load_detector(tmp_path)[1][1:] == NAMES


def measure(folder, scenes):
    """Both processes measure five photographs, with a detector that finds something in each."""
    join(CPU)
    data = CocoFolder(scenes / "images", scenes / "val.json")
    scores = evaluate(finder(), data)
    (folder / f"{place()[1]}-{place()[0]}.json").write_text(json.dumps([scores, gather(1)]))
    leave()


def finder():
    torch.manual_seed(0)
    return build("mask_rcnn", "small", 4, (64, 107), pretrained=True).eval()


def test_two_processes_measure_what_one_measures_each_photograph_once(scenes, tmp_path):
    together(2, measure, tmp_path, scenes)
    measure(tmp_path, scenes)
    one, first, second = ((tmp_path / f"{name}.json").read_text() for name in ("1-0", "2-0", "2-1"))
    assert json.loads(first)[0] == json.loads(one)[0] and first == second
    data = CocoFolder(scenes / "images", scenes / "val.json")
    found, targets = [], []
    with torch.no_grad():
        for n in range(len(data)):
            image, target = data[n]
            found += finder()([image])
            targets.append(target)
    assert all(len(one["labels"]) for one in found)
    for kind in ("bbox", "segm"):
        solid = [{**one, "masks": one["masks"][:, 0] > 0.5} for one in found]
        assert json.dumps(coco_ap(solid, targets, kind)) == json.dumps(json.loads(one)[0][kind])


# ---- one line about what is wrong


def one_line(capsys):
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1 and said.endswith("\n")
    return said


@pytest.mark.parametrize("change, message", [
    (["--data", "nowhere"], "There is no folder nowhere"),
    (["--annotations", "other.json"], "There is no file .*other.json"),
    (["--annotations", "images/annotations0.png"], "is not JSON"),
    (["--images", "."], "lacks 9 of the 9 photographs"),
    (["--val-annotations", "nothing.json"], "holds no photograph to measure on"),
    (["--annotations", "nothing.json"], "holds 0 photographs and no outline of an object"),
    (["--val-annotations", "hens.json"], "has the categories .*hen.* the same ids and names"),
    (["--annotations", "list.json"], "the file holds a list"),
    (["--epochs", "0"], "--epochs 0 came, but 1 or more is wanted"),
    (["--batch", "0"], "--batch 0 came"),
    (["--workers", "-1"], "--workers -1 came"),
    (["--size", "8"], "--size 8 came, but 32 or more"),
    (["--longest", "50"], "--longest 50 came, but 64 or more"),
    (["--lr", "0"], "--lr 0.0 came, but a number above 0"),
    (["--lr", "nan"], "--lr nan came"),
    (["--device", "gpu"], "'gpu', but a name such as cpu"),
    (["--weights", "nowhere.pt"], "There is no file nowhere.pt"),
])
def test_bad_input_gets_one_line_and_no_traceback(scenes, tmp_path, capsys, change, message):
    content = json.loads((scenes / "val.json").read_text())
    (scenes / "nothing.json").write_text(json.dumps({**content, "images": [], "annotations": []}))
    hens = [{**one, "name": "hen"} for one in content["categories"]]
    (scenes / "hens.json").write_text(json.dumps({**content, "categories": hens}))
    (scenes / "list.json").write_text("[]")
    assert main(words(scenes, tmp_path / "out") + change) == 1
    said = one_line(capsys)
    assert re.search(message, said), said


def test_a_loss_that_is_not_finite_gets_one_line(scenes, tmp_path, capsys):
    model = build("faster_rcnn", "small", 4, (64, 64))
    torch.nn.init.constant_(model.head.deltas.weight, torch.nan)
    save_file(model.state_dict(), tmp_path / "broken")
    assert main(words(scenes, tmp_path, "--weights", str(tmp_path / "broken"),
                      model="faster_rcnn")) == 1
    assert re.search("step 1 is not a finite number: .*box = nan.*Try a learning rate below",
                     one_line(capsys))


def test_processes_that_cannot_share_the_photographs_are_refused(scenes, tmp_path, capsys,
                                                                 monkeypatch):
    monkeypatch.setattr("coursekit.train.cli.place", lambda: (0, 10))
    assert main(words(scenes, tmp_path)) == 1
    assert "10 processes were started for 9 photographs, but each needs one" in one_line(capsys)
    monkeypatch.setattr("coursekit.train.cli.place", lambda: (0, 3))
    assert main(words(scenes, tmp_path)) == 1
    assert "--batch 4 came for 3 processes" in one_line(capsys)


def test_processes_that_do_not_see_the_same_are_refused(scenes, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("coursekit.train.cli.gather", lambda mine: [mine, (True, mine[1])])
    assert main(words(scenes, tmp_path / "out")) == 1
    assert re.search("process 0 and process 1 differ.*an --out that all machines share",
                     one_line(capsys))


def test_every_option_is_explained():
    assert all(action.help for action in parser()._actions)
    assert read_options(["--data", "x"]).lr == 1e-3 and read_options(["--data", "x"]).size == 128
    other = read_options(["--data", "x", "--backbone", "mobilenet_v2", "--model", "faster_rcnn"])
    assert (other.size, other.longest, other.lr, other.out) == (256, 427, 5e-4, "runs/faster_rcnn")


# ---- what is learned from


def test_crowds_are_not_learned_from_and_a_mirror_turns_everything(scenes):
    data = CocoFolder(scenes / "images", scenes / "annotations.json")
    image, target = data[0]
    crowd = {**target, "iscrowd": torch.ones_like(target["iscrowd"])}
    crowd["iscrowd"][0] = 0
    _, kept = Lessons([(image, crowd)], flip=0)[0]
    assert len(kept["boxes"]) == 1 and torch.equal(kept["masks"], target["masks"][:1])
    turned = Lessons(data, flip=1)[0]
    check_sample(*turned)
    assert torch.equal(turned[0], image.flip(-1))
    x1, y1, x2, y2 = target["boxes"][0].tolist()
    assert turned[1]["boxes"][0].tolist() == [64 - x2, y1, 64 - x1, y2]
    assert torch.equal(turned[1]["masks"], target["masks"].flip(-1))
    again = mirrored(*turned)
    assert torch.equal(again[0], image) and torch.equal(again[1]["boxes"], target["boxes"])


@pytest.mark.needs_pennfudan
def test_penn_fudan_is_a_word_for_data():
    train, val = open_data(Namespace(data="pennfudan"))
    assert (len(train), len(val), train.classes) == (120, 50, ("background", "pedestrian"))
    check_sample(*Lessons(train)[0])


# ---- weights


@pytest.mark.parametrize("kind", ["safetensors", "torch", "checkpoint", "backbone"])
def test_it_starts_from_a_file_and_says_what_is_new(tmp_path, kind):
    torch.manual_seed(1)
    given, path = build("mask_rcnn", "small", 2, (64, 64)), tmp_path / "file"
    state = given.state_dict()
    if kind == "safetensors":
        save_file(state, path)
    else:
        torch.save({"torch": state, "checkpoint": {"model": state, "progress": {}},
                    "backbone": given.backbone.state_dict()}[kind], path)
    model = build("mask_rcnn", "small", 4, (64, 64))
    said = start_from(model, path)
    assert torch.equal(model.backbone.coarse[0][0].weight, given.backbone.coarse[0][0].weight)
    if kind == "backbone":
        assert "new: head.deltas, head.fc6" in said
    else:
        assert said.endswith("new: head.deltas, head.scores, mask_head.masks")
        assert torch.equal(model.rpn.conv.weight, given.rpn.conv.weight)


def test_files_that_hold_no_weights_are_refused(tmp_path):
    model, path = build("faster_rcnn", "small", 4, (64, 64)), tmp_path / "file"
    for content, message in ((b"", "damaged, or holds no weights"), (b"abc" * 99, "damaged")):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            start_from(model, path)
    torch.save([torch.ones(1)], path)
    with pytest.raises(ValueError, match="holds a list, but the tensors of a model by name"):
        start_from(model, path)
    torch.save({"fine.0.0.weight": torch.ones(2, 2)}, path)
    with pytest.raises(ValueError, match="lacks 35 of the backbone's tensors.*Give a file of this"):
        start_from(model, path)


def test_weights_run_no_code_of_a_stranger(tmp_path):
    class Stranger:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    torch.save({"weight": Stranger()}, tmp_path / "file.pt")
    with pytest.raises(ValueError, match="could be read safely"):
        start_from(build("faster_rcnn", "small", 4, (64, 64)), tmp_path / "file.pt")
    assert not (tmp_path / "ran").exists()


def test_a_folder_without_a_whole_detector_is_refused(tmp_path, trained):
    with pytest.raises(FileNotFoundError, match="the folder of a trained detector is wanted"):
        load_detector(tmp_path)
    card = card_of(trained[0])
    (tmp_path / "model.json").write_text('{"model": "yolo"}')
    with pytest.raises(ValueError, match="no file that coursekit.train wrote"):
        load_detector(tmp_path)
    (tmp_path / "model.json").write_text(json.dumps(card))
    with pytest.raises(FileNotFoundError, match="There is no file"):
        load_detector(tmp_path)
    (tmp_path / "model.safetensors").write_bytes((trained[0] / "model.safetensors").read_bytes())
    (tmp_path / "model.json").write_text(json.dumps({**card, "classes": ["background", "cat"]}))
    with pytest.raises(ValueError, match="does not belong to the model.json beside it"):
        load_detector(tmp_path)


@pytest.mark.parametrize("name", ["faster_rcnn", "mask_rcnn"])
def test_a_detector_on_a_pyramid_is_saved_and_loaded(tmp_path, name):
    torch.manual_seed(0)
    model = build(name, "mobilenet_v2", 3, (64, 96)).eval()
    card = {"model": name, "backbone": "mobilenet_v2", "classes": ["background", "a", "b"],
            "size": [64, 96]}
    image = torch.rand(3, 50, 70)
    for frozen in (False, True):                # frozen normalization counts no batches
        save_detector(tmp_path, model, card)
        if frozen:
            state = {key: value for key, value in model.state_dict().items()
                     if not key.endswith("num_batches_tracked")}
            save_file(state, tmp_path / "model.safetensors")
        again, _ = load_detector(tmp_path)
        with torch.no_grad():
            maps = [one.backbone(image[None]) for one in (model, again)]
            found = [one([image])[0] for one in (model, again)]
        assert len(maps[0]) == 4 and all(map(torch.equal, *maps))
        assert all(torch.equal(value, found[1][key]) for key, value in found[0].items())


@pytest.mark.parametrize("backbone", ["small", "mobilenet_v2"])
def test_training_leaves_the_means_of_batch_normalization_as_they_were(backbone):
    model = build("faster_rcnn", backbone, 3, (64, 96)).train()
    before = {name: value.clone() for name, value in model.named_buffers()}
    target = {"boxes": torch.tensor([[5., 6, 40, 50]]), "labels": torch.tensor([1])}
    sum(model([torch.rand(3, 64, 64)], [target]).values()).backward()
    assert any("running_mean" in name for name in before)
    assert all(torch.equal(value, before[name]) for name, value in model.named_buffers())


def test_the_table_has_a_row_for_each_class_and_a_dash_for_what_cannot_be_measured():
    nothing = dict.fromkeys(("AP", "AP50", "AP75", "APs", "APm", "APl"), 0.25)
    shown = table({"bbox": {**nothing, "APl": float("nan"), "per_class": {1: 0.5}}},
                  ("background", "cat", "dog"))
    assert shown.splitlines() == ["         boxes", "AP       0.250", "AP50     0.250",
                                  "AP75     0.250", "APs      0.250", "APm      0.250",
                                  "APl          –", "AP cat   0.500", "AP dog       –"]
