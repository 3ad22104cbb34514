"""`coursekit.weights`: what goes in comes out, and what is shipped is what its recipe says."""

import json

import pytest
import torch
from safetensors import safe_open

from coursekit import weights
from coursekit.data import PetScenes
from coursekit.models.pixels import (
    FullyConvolutional,
    PatchClassifier,
    copy_weights,
    grid_points,
    patches_around,
)

RECIPE = {"seed": 0, "steps": 10, "data": "PetScenes 1", "score": "mean IoU 0.5"}


def small_state():
    return {"weight": torch.tensor([[0.5, -2.0, 0.1]]), "count": torch.tensor(7)}


def test_weights_come_back_in_float32_rounded_to_half_precision(tmp_path, capsys):
    weights.save("small", small_state(), RECIPE, tmp_path)
    state = weights.load("small", tmp_path)
    assert state["weight"].dtype == torch.float32 and state["count"].dtype == torch.int64
    assert torch.equal(state["weight"], small_state()["weight"].half().float())
    assert state["count"] == 7
    assert capsys.readouterr().out == \
        "weights: ≈ small, seed 0, 10 steps on PetScenes 1: mean IoU 0.5\n"


def test_the_file_holds_half_precision_and_the_recipe(tmp_path):
    path = weights.save("small", small_state(), RECIPE, tmp_path)
    with safe_open(path, framework="pt") as file:
        assert file.get_tensor("weight").dtype == torch.float16
        assert json.loads(file.metadata()["recipe"]) == RECIPE


def test_storing_twice_changes_nothing(tmp_path):
    path = weights.save("small", small_state(), RECIPE, tmp_path)
    before = path.read_bytes()
    weights.save("small", weights.load("small", tmp_path), RECIPE, tmp_path)
    assert path.read_bytes() == before


def test_views_and_tensors_that_share_memory_are_stored(tmp_path):
    both = torch.arange(6.0).view(2, 3)
    weights.save("shared", {"a": both.T, "b": both[0]}, RECIPE, tmp_path)
    assert torch.equal(weights.load("shared", tmp_path)["a"], both.T)


def test_no_weights_are_a_valid_file(tmp_path):
    weights.save("empty", {}, RECIPE, tmp_path)
    assert weights.load("empty", tmp_path) == {}


def test_names_are_those_of_the_folder(tmp_path):
    assert weights.names(tmp_path) == []
    for name in ("b", "a"):
        weights.save(name, small_state(), RECIPE, tmp_path)
    assert weights.names(tmp_path) == ["a", "b"]


# --- what the package ships

def test_shipped_files_keep_to_their_sizes():
    sizes = [path.stat().st_size for path in weights.FOLDER.glob("*.safetensors")]
    assert sizes and max(sizes) <= 6_000_000 and sum(sizes) <= 16_000_000


@pytest.mark.parametrize("name", weights.names())
def test_shipped_weights_describe_themselves_in_one_line(name):
    line = weights.describe(name)
    assert line.startswith(f"weights: ≈ {name}, seed ") and " steps on " in line
    assert "\n" not in line


def test_the_shipped_pixel_classifier_fits_both_of_its_networks():
    classifier, twin = PatchClassifier(), FullyConvolutional()
    classifier.load_state_dict(weights.load("pixel-classifier"))
    copy_weights(classifier, twin)
    assert all(torch.isfinite(weight).all() for weight in twin.parameters())


def test_the_shipped_twin_equals_the_shipped_classifier_on_a_scene():
    classifier = PatchClassifier()
    classifier.load_state_dict(weights.load("pixel-classifier"))
    twin = FullyConvolutional.from_patch_classifier(classifier.eval())
    image, _ = PetScenes("val", length=1, size=(72, 96), cache=False)[0]
    points = grid_points((72, 96))
    with torch.no_grad():
        one_by_one = classifier(patches_around(image, points))
        at_once = twin(image[None])[0][:, points[:, 1], points[:, 0]].T
    assert one_by_one.std(0).min() > 0.1                   # scores that tell places apart
    torch.testing.assert_close(one_by_one, at_once, atol=1e-5, rtol=1e-5)


# --- errors

def test_unknown_weights_list_those_there_are(tmp_path):
    with pytest.raises(ValueError, match="'pixels' was asked for.*there are: none"):
        weights.load("pixels", tmp_path)
    weights.save("small", small_state(), RECIPE, tmp_path)
    with pytest.raises(ValueError, match="there are: small. Choose one of these"):
        weights.describe("../small", tmp_path)


@pytest.mark.parametrize("content", [b"", b"no tensors", 60])
def test_a_damaged_file_is_refused(tmp_path, content):
    path = weights.save("small", small_state(), RECIPE, tmp_path)
    path.write_bytes(path.read_bytes()[:content] if isinstance(content, int) else content)
    with pytest.raises(ValueError, match="damaged or holds no recipe.*Install the package again"):
        weights.load("small", tmp_path)


def test_an_incomplete_recipe_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"tells \['seed'\], but not .*'score'.*Add them"):
        weights.save("small", small_state(), {"seed": 0}, tmp_path)


@pytest.mark.parametrize("name", ["", "Small", "../small", "a b"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="lower-case letters, digits and hyphens"):
        weights.save(name, small_state(), RECIPE, tmp_path)


@pytest.mark.parametrize("number", [1e6, float("nan")])
def test_numbers_beyond_half_precision_are_refused(tmp_path, number):
    with pytest.raises(ValueError, match="weight reaches .*65504"):
        weights.save("small", {"weight": torch.tensor([1.0, number])}, RECIPE, tmp_path)


def test_a_file_beyond_six_megabytes_is_refused(tmp_path):
    with pytest.raises(ValueError, match="6 MB a file and 16 MB in all.*narrower"):
        weights.save("big", {"weight": torch.zeros(3_100_000)}, RECIPE, tmp_path)
    assert weights.names(tmp_path) == []


def test_files_beyond_sixteen_megabytes_together_are_refused(tmp_path):
    big = {"weight": torch.zeros(2_900_000)}               # 5.8 MB in half precision
    for name in ("a", "b"):
        weights.save(name, big, RECIPE, tmp_path)
    weights.save("b", big, RECIPE, tmp_path)               # replacing counts once
    with pytest.raises(ValueError, match="c takes 5.8 MB beside 11.6 MB"):
        weights.save("c", big, RECIPE, tmp_path)


def test_a_table_comes_back_as_it_was_written_and_an_unknown_one_is_refused(tmp_path):
    (tmp_path / "scores.json").write_text('{"scores": [0.5, 0.6]}', encoding="utf-8")
    assert weights.table("scores", tmp_path) == {"scores": [0.5, 0.6]}
    with pytest.raises(ValueError, match="'other' was asked for, but those there are: scores"):
        weights.table("other", tmp_path)


def test_the_shipped_pixel_classifiers_score_is_that_of_its_seed_in_the_table():
    runs = weights.table("pixel-classifier")["runs"]
    assert [run["seed"] for run in runs] == [0, 1, 2]
    told = weights.describe("pixel-classifier")
    assert "seed 0," in told and f"mean IoU {runs[0]['mean_iou']:.3f}" in told


def test_rounding_a_model_changes_it_to_what_is_stored(tmp_path):
    torch.manual_seed(0)
    model = torch.nn.BatchNorm1d(3)
    model.weight.data = torch.tensor([0.1, 1.0, -3.3])
    weights.save("small", weights.rounded(model), RECIPE, tmp_path)
    loaded = weights.load("small", tmp_path)
    assert model.weight[0] == torch.tensor(0.1).half().float() != torch.tensor(0.1)
    assert all(torch.equal(loaded[key], value) for key, value in model.state_dict().items())
