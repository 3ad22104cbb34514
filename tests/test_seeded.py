"""The labs' random numbers: the same in a class, different in the next and for another test."""

import pytest
import torch

from coursekit.checks.seeded import CLASS_SEED, generator

SEED = 0xe57e08869809c0cf >> 1   # printf practice/A.nearest | sha256sum


def draw(name: str) -> list[float]:
    return torch.rand(4, generator=generator(name)).tolist()


def test_a_name_gives_the_same_numbers_at_every_call(monkeypatch):
    monkeypatch.setenv(CLASS_SEED, "autumn")
    torch.manual_seed(1)
    first = draw("A.nearest")
    torch.manual_seed(2)
    assert draw("A.nearest") == first


def test_another_name_and_another_class_give_other_numbers(monkeypatch):
    monkeypatch.setenv(CLASS_SEED, "autumn")
    mine = draw("A.nearest")
    assert draw("A.linear") != mine
    monkeypatch.setenv(CLASS_SEED, "spring")
    assert draw("A.nearest") != mine


def test_without_a_class_it_is_practice(monkeypatch):
    monkeypatch.delenv(CLASS_SEED, raising=False)
    unset = draw("A.nearest")
    monkeypatch.setenv(CLASS_SEED, "")
    assert draw("A.nearest") == unset
    monkeypatch.setenv(CLASS_SEED, "practice")
    assert draw("A.nearest") == unset


def test_the_numbers_are_those_of_the_same_seed_everywhere(monkeypatch):
    """sha256 of "practice/A.nearest", by another tool; a changed rule would change marks."""
    monkeypatch.setenv(CLASS_SEED, "practice")
    assert generator("A.nearest").initial_seed() == SEED


def test_the_numbers_leave_torch_s_own_as_they_were():
    before = torch.get_rng_state()
    draw("A.nearest")
    assert torch.get_rng_state().equal(before)


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_name_must_be_given(name):
    with pytest.raises(ValueError, match="name of a test was expected"):
        generator(name)
