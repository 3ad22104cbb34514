"""Only `fit` computes on the device; everything else in a notebook is the CPU's, on every machine.

`fit` leaves a model on the device that it found, and a notebook's pictures lie on the CPU. So the
first thing that happens to a model after its training is `.cpu()`; then all that follows computes
as on a machine without a GPU, from other weights. (Or it goes to a function of the notebook that
asks for the model's `device` and brings the pictures there, as in chapter 13.) That what is printed
of them is not compared is shown by running: `COURSEKIT_DEVICE=second make nbval`.
"""

import ast
from collections.abc import Iterator

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from run_nbval import notebooks
from test_notebooks import compared


def left_on_the_device(notebook: NotebookNode) -> Iterator[str]:
    """The lines in which a model is used after its training without a thought of its device."""
    source = code_of(notebook)
    tree = ast.parse(source)
    asking = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
              and any(isinstance(part, ast.Attribute) and part.attr == "device"
                      for part in ast.walk(node))}
    right = {id(node.value) for node in ast.walk(tree)
             if isinstance(node, ast.Attribute) and node.attr == "cpu"}
    right |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.Call)
              and getattr(node.func, "id", "") in asking for part in node.args}
    for name, end in trained(tree):
        uses = sorted((node.lineno, node.col_offset, id(node) in right) for node in ast.walk(tree)
                      if isinstance(node, ast.Name) and node.id == name
                      and isinstance(node.ctx, ast.Load) and (node.lineno, node.col_offset) > end)
        if uses and not uses[0][2]:
            yield source.splitlines()[uses[0][0] - 1]


def code_of(notebook: NotebookNode) -> str:
    """All code cells but the set-up, one after the other."""
    return "\n".join(cell.source for cell in notebook.cells
                     if cell.cell_type == "code" and "setup" not in cell.metadata.get("tags", []))


def trained(tree: ast.Module) -> Iterator[tuple[str, tuple[int, int]]]:
    """The names that are given to `fit` as its model, and where the call ends."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "fit":
            yield node.args[0].id, (node.end_lineno, node.end_col_offset)


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_trained_model_comes_back_to_the_cpu_before_it_is_used(path):
    assert not list(left_on_the_device(nbformat.read(path, as_version=4)))


@pytest.mark.parametrize(("source", "left"), [
    ("history = fit(net, loader)\nnet(image)", True),
    ("fit(net, loader)\nprint(history)\nnet.eval()\nnet.cpu()", True),
    ("fit(net, loader)\nnet = net.cpu()\nnet(image)", False),
    ("fit(net, loader)\nscore(net.cpu())", False),
    ("def f(net): return net(x.to(net.w.device))\nfit(net, loader)\nf(net)", False),
    ("def f(net): return net(x)\nfit(net, loader)\nf(net)", True),
    ("net(image)\nfit(net, loader)", False)])
def test_a_model_left_on_the_device_is_found(source, left):
    notebook = new_notebook(cells=[new_code_cell(line) for line in source.split("\n")])
    assert bool(list(left_on_the_device(notebook))) == left


def test_trainings_are_found():
    assert sum(len(list(trained(ast.parse(code_of(nbformat.read(path, as_version=4))))))
               for path in notebooks()) >= 9


def test_the_second_device_shows_what_depends_on_a_device_and_what_is_left_there(tmp_path):
    training = """\
import torch
from coursekit.train import fit
torch.manual_seed(0)
net = torch.nn.Linear(9, 9)
rows = [(torch.linspace(-1, 1, 27).view(3, 9), {})]
history = fit(net, rows * 99, seed=0, loss=lambda net, x, _: net(x).square().mean())
"""
    status, said = compared(
        tmp_path,
        ("from coursekit.device import pick_device\nprint(pick_device().type)", "second\n"),
        (training + "pass", "epoch 1  loss ≈ 0.1  time ≈ 0.1 s\n"),
        ("net(torch.ones(9))", ""),                          # refused: left on the device
        ("loss = history.last()\nprint(history.steps, f'≈ {loss:.9f}')", "99 ≈ 0.000000000\n"),
        ("print(f'{net.cpu().weight.sum().item():.9f}')", f"{last_weights(training)}\n"),
        COURSEKIT_DEVICE="second")
    assert "found second:0 and cpu" in said, said
    assert status == 1 and "2 failed, 3 passed" in said.strip().splitlines()[-1], said


def last_weights(training: str) -> str:
    """What the same training ends with on the CPU."""
    names: dict = {}
    exec(training.replace("seed=0", "seed=0, device='cpu'"), names)
    return f"{names['net'].weight.sum().item():.9f}"
