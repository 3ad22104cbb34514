"""Inside the kernel: what the course's own cells and packages bound stays bound, in the tests.

Student code shares the process with the tests, and could replace what they call. Before each test
the guard puts back every name of the course's cells and every function of the packages that tests
use; what is found changed afterwards costs the test's marks. It runs the test by itself, past the
notebook shell's hooks, and success is that the last line was reached.
"""

import copy
import functools
import json
import os
import sys
import types
from contextlib import nullcontext, redirect_stdout

WATCHED = ("builtins", "math", "random", "hashlib", "numpy", "numpy.testing", "torch",
           "torch.functional", "torch._tensor", "torch._C", "torch._C._nn", "torch.linalg",
           "torch.nn", "torch.nn.functional", "torch.testing", "torch.testing._comparison",
           "torchvision.ops", "torchvision.models.detection")
FAMILIES = ("coursekit.", "torchvision.ops.", "torchvision.models.detection.", "pycocotools.",
            "torch.testing.")
FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, type, functools.partial)
MISSING = object()
CODE = ("__code__", "__defaults__", "__kwdefaults__")

shell = get_ipython()            # noqa: F821
space = shell.user_ns
course = {}                      # name -> what the course's cells bound to it
data = {}                        # the same, copied, where it could be changed in place
students = set()                 # names that the student is asked to bind
kept = {}                        # (id of a holder, name) -> (holder, name, value)
methods = set()                  # what torch.Tensor has of its own
seed = os.environ.get("COURSEKIT_CLASS", "")
run, make, statvfs = exec, compile, os.statvfs        # before anybody replaces them


def assigned(source: str) -> set:
    """Names that a cell binds at its top level."""
    import symtable

    table = symtable.symtable(shell.transform_cell(source), "cell", "exec")
    return {name.get_name() for name in table.get_symbols()
            if name.is_assigned() or name.is_imported()}


def note(source: str) -> str:
    """Remember what a cell of the course's has bound, and the packages as they are."""
    for name in assigned(source) - students:
        if name in space:
            course[name] = space[name]
            if type(space[name]).__name__ in ("list", "dict", "set", "Tensor", "ndarray"):
                data[name] = copy.deepcopy(space[name])
    keep()
    return "{}"


def release(solved: str) -> str:
    """The student's next cell is asked to bind what the course's own solution binds."""
    names = assigned(solved)
    students.update(names)
    for name in names:
        course.pop(name, None)
        data.pop(name, None)
    return "{}"


def holders():
    """Modules and classes whose functions tests rely on."""
    for name, module in list(sys.modules.items()):
        if isinstance(module, types.ModuleType) and (
                name in WATCHED or name == "coursekit" or name.startswith(FAMILIES)):
            yield module
            for value in list(vars(module).values()):
                if isinstance(value, type) and value.__module__ == name:
                    yield value
    torch = sys.modules.get("torch")
    if torch:
        yield from torch.Tensor.__mro__[:-1]


def keep() -> None:
    """Note each function that is not noted yet; a later change does not overwrite the first."""
    for holder in holders():
        for name, value in list(vars(holder).items()):
            if isinstance(value, (*FUNCTIONS, property, classmethod, staticmethod)):
                kept.setdefault((id(holder), name), (holder, name, value))
            if isinstance(value, types.FunctionType):
                for part in CODE:
                    kept.setdefault((id(value), part), (value, part, getattr(value, part)))
    for value in course.values():
        if isinstance(value, types.FunctionType):
            for part in CODE:
                kept.setdefault((id(value), part), (value, part, getattr(value, part)))
    if "torch" in sys.modules and not methods:
        methods.update(vars(sys.modules["torch"].Tensor))


def own_wrapper(now, value) -> bool:
    """Whether a package wrapped its own function late, as torch does with manual_seed."""
    code = getattr(now, "__code__", None)
    if code is None or getattr(now, "__wrapped__", None) is not value:
        return False
    try:
        return bool(statvfs(code.co_filename).f_flag & os.ST_RDONLY)    # no student wrote that file
    except OSError:
        return False


def restore() -> list:
    """Put everything back; the names of what had been changed."""
    changed = []
    for holder, name, value in list(kept.values()):
        now = getattr(holder, name) if name in CODE else vars(holder).get(name, MISSING)
        if now is not value and own_wrapper(now, value):
            kept[id(holder), name] = holder, name, now
        elif now is not value:
            changed.append(f"{getattr(holder, '__name__', holder)}.{name}")
            setattr(holder, name, value)
    for name in (set(vars(sys.modules["torch"].Tensor)) - methods) if methods else ():
        changed.append(f"Tensor.{name}")
        delattr(sys.modules["torch"].Tensor, name)
    os.environ["COURSEKIT_CLASS"] = seed
    space.update(course)
    space.update({name: copy.deepcopy(value) for name, value in data.items()})
    space["__builtins__"] = sys.modules["builtins"]
    return changed


def plain(value):
    """What a student's function returned, without a class of the student's own making."""
    torch = sys.modules.get("torch")
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(plain(item) for item in value)
    if type(value) is dict:
        return {key: plain(item) for key, item in value.items()}
    if torch and isinstance(value, torch.Tensor):
        own = type(value) in (torch.Tensor, torch.nn.Parameter)
        return value if own else value.as_subclass(torch.Tensor)
    if type(value).__module__ == "__main__" and type(value).__name__ not in {*course, *students}:
        raise TypeError(f"returned a {type(value).__name__}, a class made for it")
    return value


def wrapped(function):
    """The student's function, its result made plain."""
    @functools.wraps(function)
    def call(*arguments, **named):
        return plain(function(*arguments, **named))
    return call


class Tee:
    """A stdout that remembers the last line, which is what the lab's check had to say."""

    def __init__(self, stream):
        self.stream, self.line = stream, ""

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text):
        """Pass on, remember the end."""
        lines = text[-400:].strip().splitlines()
        self.line = lines[-1] if lines else self.line
        return self.stream.write(text)


def grade(source: str) -> str:
    """Run a test; its error, if any, and what was changed while it ran."""
    restore()
    own = {name: space[name] for name in students
           if isinstance(space.get(name), types.FunctionType)}
    space.update({name: wrapped(function) for name, function in own.items()})
    torch = sys.modules.get("torch")
    error, tee = None, Tee(sys.stdout)
    try:
        plainly = torch._C.DisableTorchFunctionSubclass() if torch else nullcontext()
        with redirect_stdout(tee), plainly:
            run(make(source, "<test>", "exec"), space)
    except BaseException as problem:            # SystemExit and KeyboardInterrupt, too
        hint = f"the check said: {tee.line}" if tee.line else ""
        error = {"ename": type(problem).__name__, "evalue": str(problem)[:1000] or hint}
    changed = restore()
    space.update({name: function for name, function in own.items() if name in space})
    if changed:
        error = {"ename": "changed", "evalue": "the code under test changed " + changed[0]}
    return json.dumps({"error": error} if error else {})


keep()
