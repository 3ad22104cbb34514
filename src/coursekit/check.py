"""The exercise checker: one line of plain words about an answer.

    from coursekit.check import check
    check("flip-boxes", my_function)

It prints that the answer is right, or not written yet, or what the likely mistake is, or which
error the code raised; never a traceback. The checks themselves are in `coursekit.checks`, a module
a chapter or a graded lab: plain functions from an answer to None, where it is right, or a sentence.

They judge an honest reader's work, to help; they are no guard against cheating.
"""

from collections.abc import Callable
from difflib import get_close_matches

from coursekit.checks import (
    ch01,
    ch02,
    ch03,
    ch04,
    ch05,
    ch06,
    ch07,
    ch08,
    ch09,
    ch10,
    ch11,
    ch12,
    ch13,
    lab_a,
    lab_b,
    lab_c,
    lab_d,
)
from coursekit.checks.compare import Hint

CHAPTERS = (ch01, ch02, ch03, ch04, ch05, ch06, ch07, ch08, ch09, ch10, ch11, ch12, ch13)
LABS = (lab_a, lab_b, lab_c, lab_d)
CHECKS: dict[str, Callable[[object], str | None]] = {
    name: judge for part in (*CHAPTERS, *LABS) for name, judge in part.CHECKS.items()}


class Verdict(int):
    """True or False, but a notebook does not print it under the sentence: that says it all."""

    def __repr__(self) -> str:
        return repr(bool(self))

    def _ipython_display_(self) -> None:
        pass


def check(name: str, answer: object) -> Verdict:
    """Print one line about the answer to an exercise; true if it is right.

    Args:
        name: the exercise, as its cell gives it.
        answer: what the exercise asks for, most often a function: pass it without calling it.
    Returns:
        Whether the answer is right, so that a graded cell can be `assert check(...)`.
    Raises:
        ValueError: no exercise has that name.
    """
    if name not in CHECKS:
        near = get_close_matches(str(name), CHECKS, n=3, cutoff=0.4) or sorted(CHECKS)
        raise ValueError(f"name: got {name!r}, but the name of an exercise was expected. "
                         f"Did you mean {' or '.join(near)}?")
    right, verdict = _verdict(CHECKS[name], answer)
    print(f"{name}: {verdict}")
    return Verdict(right)


def _verdict(judge: Callable[[object], str | None], answer: object) -> tuple[bool, str]:
    if answer is None or answer is ...:
        return False, "not written yet."
    try:
        hint = judge(answer)
    except NotImplementedError:
        return False, "not written yet."
    except Hint as raised:
        hint = str(raised)
    except Exception as error:
        words = " ".join(str(error).split())[:160]
        return False, f"your code raised {type(error).__name__}: {words or 'no message'}"
    return (True, "right.") if hint is None else (False, f"not right yet: {hint}")
