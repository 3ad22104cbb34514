"""A second device, emulated on the CPU, that is as strict about mixed tensors as a GPU.

Most faults of a program on a GPU are of one kind: a tensor was made on the CPU and meets one on the
GPU, or NumPy is handed a tensor that it cannot see. No GPU is needed to find them. Here torch is
told of a device `second`. A tensor there says so when asked, refuses NumPy, and holds a tensor of
the CPU, with which every operation is computed. But first the rule is applied that torch applies
to CUDA: all tensors of an operation lie on one device, but for single numbers (`dim() == 0`) in
pointwise operations, and for rows and masks with which a tensor of the device is indexed.

    with second_device() as device:
        x = torch.ones(3, device=device)
        x + torch.ones(3)               # RuntimeError: ... but found second:0 and cpu

Source: torch.utils.backend_registration has the hooks. torch's FakeTensor does the same without
numbers, and so cannot follow a program whose shapes depend on numbers, as a detector's do.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.utils import _pytree as tree
from torch.utils.backend_registration import (
    _DummyBackendModule,
    _setup_privateuseone_for_python_backend,
)

NAME = "second"
aten = torch.ops.aten
INDEXING = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default,
            aten._index_put_impl_.default}
ONE_NUMBER = {aten.masked_fill.Tensor, aten.masked_fill_.Tensor}     # may come from the CPU, too
SUMS = {aten.convolution.default, aten.convolution_backward.default, aten.mm.default,
        aten.addmm.default, aten.bmm.default}                   # their order differs on a GPU
ABOUT = {aten.dim.default, aten.sym_numel.default, aten.sym_size.default, aten.sym_stride.default,
         aten.is_non_overlapping_and_dense.default}             # half of all that is asked


class Away(Tensor):
    """A tensor of the second device; `held` is the CPU's tensor with its numbers."""

    @staticmethod
    def __new__(cls, held: Tensor) -> "Away":
        return Tensor._make_wrapper_subclass(
            cls, held.size(), strides=held.stride(), storage_offset=held.storage_offset(),
            dtype=held.dtype, layout=held.layout, device=torch.device(NAME, 0),
            dispatch_sizes_strides_policy="sizes")      # asks `held`, which some operations resize

    def __init__(self, held: Tensor):
        self.held = held

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        if func in ABOUT:                               # in short, as nothing can meet
            return func(args[0].held)
        return compute(func, args, kwargs or {})

    # What torch's own devices do through the CPU, and refuses to a subclass of Tensor.

    def __repr__(self, **_) -> str:
        return f"{self.held!r} on {self.device}"

    def __format__(self, form: str) -> str:
        return format(self.detach().cpu(), form)

    def __reduce_ex__(self, protocol: int) -> tuple:
        return self.detach().cpu().__reduce_ex__(protocol)

    def tolist(self) -> list:
        return self.detach().cpu().tolist()


class Module(_DummyBackendModule):
    """What torch asks of a device's own module, `torch.second`."""

    exact = True                            # as the CPU to the last bit, the same random numbers
    generator = torch.Generator()           # the device's own, if not

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.float16, torch.bfloat16]

    def manual_seed_all(self, seed: int) -> None:
        self.generator.manual_seed(seed)


_setup_privateuseone_for_python_backend(NAME, Module())     # at once: autograd counts the devices
                                                            # at a process's first backward pass
FACTORIES = torch.library.Library("_", "IMPL")      # torch.zeros(3, device=NAME) comes with no Away
FACTORIES.fallback(lambda func, *args, **kwargs: compute(func, args, kwargs), "PrivateUse1")


@contextmanager
def second_device(exact: bool = True) -> Iterator[torch.device]:
    """The device, for as long as the block runs.

    Args:
        exact: whether its sums are the CPU's to the last bit, and its random numbers the CPU's. A
            GPU's are neither.
    """
    before, torch.second.exact = torch.second.exact, exact
    lifted = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)   # torch.tensor: made on the CPU, then moved in sight
    try:
        yield torch.device(NAME, 0)
    finally:
        torch._C._set_only_lift_cpu_tensors(lifted)
        torch.second.exact = before


def stay() -> None:
    """The device, inexact, for as long as the process runs: for a notebook's kernel."""
    torch.second.exact = False
    torch._C._set_only_lift_cpu_tensors(True)


def compute(func: Callable, args: tuple, kwargs: dict) -> object:
    """The operation on the CPU's tensors, if those that came may meet; its result is wrapped."""
    came = [x for x in tree.tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
    away, wanted = [x for x in came if isinstance(x, Away)], kwargs.get("device")
    there = bool(away) if wanted is None else torch.device(wanted).type == NAME
    if away:
        refuse_mixture(func, args, came)
    mine = {id(x.held if isinstance(x, Away) else x): x for x in came}
    args, kwargs = tree.tree_map_only(Away, lambda x: x.held, (args, kwargs))
    if wanted is not None:
        kwargs["device"] = torch.device("cpu")
    out = func(*args, **kwargs) if torch.second.exact or not there else inexact(func, args, kwargs)
    if not there:
        return out
    return tree.tree_map_only(Tensor, lambda x: mine[id(x)] if id(x) in mine else Away(x), out)


def refuse_mixture(func: Callable, args: tuple, came: list[Tensor]) -> None:
    """Raise where CUDA would: a tensor of the CPU meets one of the device."""
    strange = [x for x in came if not isinstance(x, Away)]
    if not strange or func in (aten.copy_.default, aten._to_copy.default):       # these move
        return
    changed = func._schema.is_mutable and strange[0] is args[0]
    if func in INDEXING and not changed and isinstance(args[0], Away):           # rows may come
        strange = [x for x in args[2:3] if not isinstance(x, Away) and x.dim()]
    elif (torch.Tag.pointwise in func.tags or func in ONE_NUMBER) and not changed:
        strange = [x for x in strange if x.dim()]
    if strange:
        shapes = ", ".join(f"{tuple(x.shape)} on {x.device}" for x in came)
        raise RuntimeError("Expected all tensors to be on the same device, but found "
                           f"{NAME}:0 and cpu ({func}: {shapes})")


def inexact(func: Callable, args: tuple, kwargs: dict) -> object:
    """As on a device that adds in another order, and that has random numbers of its own."""
    if torch.Tag.nondeterministic_seeded in func.tags and kwargs.get("generator") is None:
        before, own = torch.get_rng_state(), torch.second.generator
        torch.set_rng_state(own.get_state())
        out = func(*args, **kwargs)
        own.set_state(torch.get_rng_state())
        torch.set_rng_state(before)
        return out
    out = func(*args, **kwargs)
    if func in SUMS:
        for x in tree.tree_leaves(out):
            if isinstance(x, Tensor) and x.dim():
                x.mul_(1 + 1e-6 * torch.linspace(-1, 1, x.shape[-1], dtype=x.dtype))
    return out
