"""The small trained weights that the package ships, each with the recipe that made it.

A file is `NAME.safetensors`: the numbers of a model's `state_dict` in half precision, and in its
header the recipe as text. Half precision halves the download; the computing is done in float32
again, and the score in the recipe is that of the rounded weights. A safetensors file is data only:
reading it runs no code.

The scripts that made them are `scripts/train_*.py`: run one, and the file here is written anew.

Source: the format is https://huggingface.co/docs/safetensors.
"""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors import torch as files
from torch import Tensor, nn

from coursekit.checkpoint import write_atomically

FOLDER = Path(__file__).parent
FILE_LIMIT, TOTAL_LIMIT = 6_000_000, 16_000_000    # bytes: what a pip install may carry
RECIPE = ("seed", "steps", "data", "score")        # what every recipe tells


def load(name: str, folder: Path = FOLDER) -> dict[str, Tensor]:
    """The weights `name`, in float32, for `model.load_state_dict`; prints their description.

    Args:
        name: one of `names()`.
        folder: where to look, the package's own by default.
    Raises:
        ValueError: no such weights (the message lists those there are), or a damaged file.
    """
    state, _ = _read(name, folder)
    print(describe(name, folder))
    return {key: value.float() if value.is_floating_point() else value
            for key, value in state.items()}


def save(name: str, state: dict[str, Tensor], recipe: dict, folder: Path = FOLDER) -> Path:
    """Store a model's `state_dict` in half precision, with the recipe that made it.

    Args:
        name: lower-case letters, digits and hyphens.
        state: tensors of any shape; integers are stored as they are.
        recipe: seed, steps, data (its version), score (as measured, in words); more if wished.
        folder: where to store, the package's own by default.
    Returns:
        The file's path.
    Raises:
        ValueError: a bad name, an incomplete recipe, numbers that half precision cannot hold, or a
            file beyond 6 MB, or 16 MB with the others.
        OSError: the disk refuses; the file before is kept.
    """
    _check_recipe(name, recipe)
    half = {key: _half(key, value) for key, value in state.items()}
    content = files.save(half, metadata={"recipe": json.dumps(recipe)})
    path = Path(folder) / f"{name}.safetensors"
    others = sum(file.stat().st_size for file in path.parent.glob("*.safetensors") if file != path)
    if len(content) > FILE_LIMIT or len(content) + others > TOTAL_LIMIT:
        raise ValueError(f"{name} takes {len(content) / 1e6:.1f} MB beside {others / 1e6:.1f} MB "
                         f"of other weights, but {FILE_LIMIT / 1e6:.0f} MB a file and "
                         f"{TOTAL_LIMIT / 1e6:.0f} MB in all are the limits. Make the model "
                         f"narrower.")
    write_atomically(path, content)
    return path


def rounded(model: nn.Module) -> dict[str, Tensor]:
    """Round a model's numbers to half precision, in place; return its state, to be stored.

    What is measured afterwards is what a reader who loads the weights will have.
    """
    state = {key: value.half().float() if value.is_floating_point() else value
             for key, value in model.state_dict().items()}
    model.load_state_dict(state)
    return state


def describe(name: str, folder: Path = FOLDER) -> str:
    """One line that tells which weights these are and how good they were measured to be.

    Raises:
        ValueError: as `load`.
    """
    _, recipe = _read(name, folder)
    return (f"weights: ≈ {name}, seed {recipe['seed']}, {recipe['steps']} steps on "
            f"{recipe['data']}: {recipe['score']}")


def table(name: str, folder: Path = FOLDER) -> dict:
    """What was measured for every seed when the weights `name` were made, as their script wrote it.

    Raises:
        ValueError: no such table; the message lists those there are.
    """
    tables = sorted(file.stem for file in Path(folder).glob("*.json"))
    if name not in tables:
        raise ValueError(f"the table {name!r} was asked for, but those there are: "
                         f"{', '.join(tables) or 'none'}. Choose one of these.")
    return json.loads((Path(folder) / f"{name}.json").read_text(encoding="utf-8"))


def names(folder: Path = FOLDER) -> list[str]:
    """The names of all weights there are, in alphabetical order."""
    return sorted(file.stem for file in Path(folder).glob("*.safetensors"))


def _read(name: str, folder: Path) -> tuple[dict[str, Tensor], dict]:
    """The stored tensors and the recipe."""
    if name not in names(folder):
        raise ValueError(f"{name!r} was asked for, but the weights there are: "
                         f"{', '.join(names(folder)) or 'none'}. Choose one of these, or make your "
                         f"own with scripts/train_*.py.")
    path = Path(folder) / f"{name}.safetensors"
    try:
        with safe_open(path, framework="pt") as file:
            recipe = json.loads(file.metadata()["recipe"])
            return {key: file.get_tensor(key) for key in file.keys()}, recipe   # noqa: SIM118
    except (SafetensorError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged or holds no recipe ({error}); a file written by save "
                         f"is wanted. Install the package again.") from error


def _check_recipe(name: str, recipe: dict) -> None:
    if not name or set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789-"):
        raise ValueError(f"the name {name!r} came, but it becomes a file's name: lower-case "
                         f"letters, digits and hyphens are wanted. Rename it.")
    missing = [key for key in RECIPE if key not in recipe]
    if missing:
        raise ValueError(f"the recipe of {name} tells {sorted(recipe)}, but not {missing}. Add "
                         f"them, so that a reader can make the weights again.")


def _half(key: str, value: Tensor) -> Tensor:
    """The tensor in half precision, if that can hold it."""
    if not value.is_floating_point():
        return value.detach().cpu().contiguous()
    half = value.detach().cpu().half().contiguous()
    if not torch.isfinite(half).all():
        raise ValueError(f"{key} reaches {value.abs().max():.3g}, but half precision holds finite "
                         f"numbers up to 65504 only. Look whether the training diverged.")
    return half
