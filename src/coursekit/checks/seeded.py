"""Numbers for the graded labs' tests: the same within a class, different in the next.

A mark is given for a comparison with a reference on inputs that nobody has seen, so that nothing
about the tests need be secret but one word: the class's seed, which the teacher sets where marks
are made. Everywhere else it is "practice".
"""

import os
from hashlib import sha256

import torch

CLASS_SEED = "COURSEKIT_CLASS"   # the environment variable


def generator(name: str) -> torch.Generator:
    """Random numbers of the class for one test, the same whenever it runs.

    Args:
        name: the test's, such as "A.nearest"; another name gives other numbers.
    Returns:
        A generator on the CPU, for `torch.rand(2, 3, generator=...)` and its like.
    Raises:
        ValueError: a name that is empty or no text.
    """
    if not isinstance(name, str) or not name:
        raise ValueError(f"name: got {name!r}, but the name of a test was expected, such as "
                         "'A.nearest'.")
    words = f"{os.environ.get(CLASS_SEED) or 'practice'}/{name}"
    seed = int.from_bytes(sha256(words.encode()).digest()[:8], "big") >> 1   # below 2 ** 63
    return torch.Generator().manual_seed(seed)
