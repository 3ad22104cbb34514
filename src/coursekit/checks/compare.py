"""How a check looks at an answer: call it, compare, find the likely mistake.

A check never says only 'wrong'. It computes what the typical mistakes would give on the same small
input, and where the answer equals one of them, it says which. Inputs are chosen so that the right
result and every mistake's differ, and small enough to be worked out by hand.
"""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor


class Hint(Exception):
    """A sentence for the reader, raised where a check cannot go on."""


def call(answer: object, *inputs: object, rare: str = "") -> object:
    """What the reader's function returns on copies of the inputs.

    Args:
        answer: the reader's function.
        *inputs: its arguments.
        rare: what is special about them, after the plain case went right; then an error becomes a
            hint that begins with these words.
    Returns:
        Whatever the function returned.
    Raises:
        Hint: not a function; a function that changes its inputs; an error in the rare case.
        NotImplementedError: the function returned None or `...`: it is not written yet.
    """
    if not callable(answer):
        raise Hint(f"a function was expected, but {_named(answer)} came: pass the function's "
                   "name, without calling it.")
    copies = [_copy(value) for value in inputs]
    try:
        result = answer(*copies)
    except Exception as error:
        if not rare or isinstance(error, NotImplementedError):
            raise
        raise Hint(f"{rare} It raised {type(error).__name__}.") from None
    if result is None or result is ...:
        raise NotImplementedError
    for before, after in zip(inputs, copies, strict=True):
        if isinstance(before, Tensor) and not before.equal(after):
            raise Hint("the numbers may be right, but the function changes the tensor it is given, "
                       "and whoever passed it loses theirs: begin with a .clone().")
    return result


def likely(got: object, right: Tensor, mistakes: Mapping[str, Tensor | float],
           given: str) -> str | None:
    """None where `got` equals `right`; else a sentence: the mistake it equals, or both values.

    Args:
        got: what the reader's function returned.
        right: what it should have returned.
        mistakes: sentence -> what that mistake gives on the same input.
        given: the input in words, for the sentence where no mistake fits.
    Returns:
        None, or the hint.
    """
    values = _as_tensor(got)
    if values is None:
        wanted = "a number" if right.dim() == 0 else f"a tensor of shape {tuple(right.shape)}"
        return f"the function returns {_named(got)}, but {wanted} was expected."
    if _equal(values, right):
        return None
    for hint, wrong in mistakes.items():
        if _equal(values, torch.as_tensor(wrong)):
            return hint
    if values.shape != right.shape:
        return (f"for {given} the result has shape {tuple(values.shape)}, but {tuple(right.shape)} "
                "was expected.")
    return f"for {given} the result is {_short(values)}, but {_short(right)} was expected."


def numbers(answer: object, cases: Iterable[tuple], each: str, what: str = "a whole number",
            ) -> Tensor:
    """What the reader's function returns for each case, as a tensor of as many numbers.

    Args:
        answer: the reader's function.
        cases: its arguments, case by case.
        each: what a case is, for the hint where something else than a number comes back.
        what: the number that is expected.
    Raises:
        Hint: a result that is not a number; and all that `call` raises.
    """
    found = [call(answer, *case) for case in cases]
    try:
        return torch.tensor([float(number) for number in found])
    except (TypeError, ValueError) as error:
        raise Hint(f"{what} was expected for each {each}, but {error}.") from None


def stages(*steps: Callable[[], str | None]) -> str | None:
    """The first hint that the steps give, the plain case first; None if all pass."""
    return next((hint for step in steps if (hint := step())), None)


def _copy(value: object) -> object:
    if not isinstance(value, Tensor):
        return value
    return value.detach().clone().requires_grad_(value.requires_grad)


def _as_tensor(got: object) -> Tensor | None:
    """A tensor or a number as a tensor on the CPU; None for anything else."""
    if isinstance(got, Tensor):
        return got.detach().cpu()
    try:
        return torch.tensor(float(got))
    except (TypeError, ValueError):
        return None


def _equal(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-4, atol=1e-5,
                                                 equal_nan=True)


def _named(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _short(values: Tensor) -> str:
    text = str([round(v, 3) for v in values.double().flatten().tolist()]).replace(".0,", ",")
    text = text.replace(".0]", "]")
    if values.dim() == 0:
        return text[1:-1]
    return text if len(text) <= 72 else text[:68] + " …]"
