"""The labs' tests on answers: the right ones keep all marks, typical wrong ones lose theirs alone.

All runs in this process, without a kernel: a lab's imports and solutions once, then an answer in a
function's place, and the grade cells. `answers.lab_a` and its like hold the wrong answers.
"""

import ast
import builtins
import re
from functools import cache
from importlib import import_module

import pytest
import torch

import labs
from coursekit.check import CHECKS, LABS, check
from coursekit.checks.seeded import CLASS_SEED

SEEDS = "autumn", "spring", "a third one"


@cache
def questions(lab):
    return {f"{lab}.{question.name}": question for question in labs.questions(labs.read(lab))}


ANSWERS = {lab: import_module(f"answers.lab_{lab.lower()}") for lab in labs.texts()}
QUESTIONS = {name: question for lab in labs.texts() for name, question in questions(lab).items()}
CASES = [pytest.param(name, answer, words, id=f"{name}-{words}") for module in ANSWERS.values()
         for name, cases in module.WRONG.items() for answer, words in cases]
OTHERS = [(name, answer) for module in ANSWERS.values()
          for name, answer in getattr(module, "RIGHT", {}).items()]


@cache
def solved(lab):
    """What a lab's imports and solutions define."""
    space = {}
    exec(labs.imports(labs.read(lab)), space)
    for question in questions(lab).values():
        exec(question.solution, space)
    return space


def passes(name, answer, tests="hidden", monkeypatch=None, seed="autumn", others=None):
    """Whether a question's tests pass with an answer in its place: the hidden ones, or all."""
    if monkeypatch:
        monkeypatch.setenv(CLASS_SEED, seed)
    question, space = QUESTIONS[name], dict(solved(name[0]))
    space.update(others or {}, **({question.name: answer} if answer else {}))
    try:
        exec((question.visible if tests == "all" else "") + question.hidden, space)
    except Exception:
        return False
    return True


def rebound(lab, name, answer):
    """The lab's solved functions with one of them replaced, for those that call it, too."""
    space = {}
    exec(labs.imports(labs.read(lab)), space)
    for question in questions(lab).values():
        exec(question.solution, space)
        if f"{lab}.{question.name}" == name:
            space[question.name] = answer
    return space


def test_every_function_of_a_lab_has_a_check_and_five_wrong_answers_here():
    assert set(QUESTIONS) == {name for part in LABS for name in part.CHECKS}
    for lab, module in ANSWERS.items():
        assert set(module.WRONG) == set(questions(lab))
        assert min(len(cases) for cases in module.WRONG.values()) >= 5


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", QUESTIONS)
def test_the_solution_keeps_its_marks_in_every_class(name, seed, monkeypatch):
    assert passes(name, None, "all", monkeypatch, seed)


@pytest.mark.parametrize("name, answer", OTHERS)
def test_other_ways_to_the_right_result_keep_the_marks(name, answer, monkeypatch, capsys):
    assert check(name, answer), capsys.readouterr().out
    assert all(passes(name, answer, "all", monkeypatch, seed) for seed in SEEDS)


@pytest.mark.parametrize("name, answer, words", CASES)
def test_the_check_names_the_mistake(name, answer, words, capsys):
    assert not check(name, answer)
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert words in said


@pytest.mark.parametrize("name, answer, words", CASES)
def test_the_hidden_tests_alone_find_the_mistake_in_every_class(name, answer, words, monkeypatch):
    assert not any(passes(name, answer, "hidden", monkeypatch, seed) for seed in SEEDS)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_wrong_answer_loses_the_marks_of_its_own_cell_and_no_others(name, monkeypatch):
    lab = name[0]
    answer = ANSWERS[lab].WRONG[name][0][0]
    space = rebound(lab, name, answer)
    lost = [other for other, question in questions(lab).items()
            if not passes(other, space[question.name], "all", monkeypatch, others=space)]
    assert lost == [name]


class Crammer:
    """An answer that knows the check's examples by heart, and is wrong on everything else."""

    def __init__(self, right, wrong):
        self.right, self.wrong, self.known = right, wrong, None

    def __call__(self, *inputs):
        asked = repr([(x.shape, x.tolist()) if isinstance(x, torch.Tensor) else x for x in inputs])
        if self.known is None or asked in self.known:
            return self.right(*inputs)
        return self.wrong(*inputs)

    def learn(self, name):
        """Note what the check asks."""
        asked = []

        def listening(*inputs):
            asked.append(repr([(x.shape, x.tolist()) if isinstance(x, torch.Tensor) else x
                               for x in inputs]))
            return self.right(*inputs)

        check(name, listening)
        self.known = set(asked)


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_that_knows_only_the_public_examples_loses_its_marks(name, monkeypatch):
    """So the hidden tests are what gives the marks: without them this answer would have all."""
    crammer = Crammer(solved(name[0])[QUESTIONS[name].name], ANSWERS[name[0]].WRONG[name][0][0])
    crammer.learn(name)
    assert check(name, crammer)
    assert not passes(name, crammer, monkeypatch=monkeypatch)


@pytest.mark.parametrize("name", QUESTIONS)
def test_hidden_tests_use_their_own_function_and_the_lab_s_imports_only(name):
    """Else a mistake in one function would cost another's marks, and otter could not run them."""
    tree, space = ast.parse(QUESTIONS[name].hidden), {}
    exec(labs.imports(labs.read(name[0])), space)
    made = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Store)}
    made |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    made |= {alias.asname or alias.name.split(".")[0] for node in ast.walk(tree)
             if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names}
    made |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert used - made - set(dir(builtins)) - set(space) == {QUESTIONS[name].name}


@pytest.mark.parametrize("name", QUESTIONS)
def test_hidden_tests_draw_their_numbers_from_the_class_s_seed_under_their_own_name(name):
    assert re.findall(r'generator\("(.*?)"\)', QUESTIONS[name].hidden) == [name]


def test_an_answer_that_is_not_written_says_so(capsys):
    def stub(*inputs, **more):
        raise NotImplementedError

    for name in QUESTIONS:
        assert name in CHECKS and not check(name, stub)
        assert capsys.readouterr().out == f"{name}: not written yet.\n"
