"""What a student could hand in to do harm, or to get points for nothing. Each replaces one cell.

A probe gives the right answers only if what it tried succeeded, so that points show a hole.
"""

PROBE = """
done = []
for target in TARGETS:
    try:
        attempt(target)
        done.append(target)
    except Exception as problem:
        pass

def double(values):
    assert done, "nothing was possible"
    return [2 * value for value in values]
"""
WRITE = """
def attempt(path):
    with open(path, "a") as file:
        file.write("was here")
""" + PROBE
READ = """
def attempt(path):
    import os
    os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
""" + PROBE
SOCKET = """
import socket

def attempt(target):
    if isinstance(target, str):
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(target)
    else:
        socket.create_connection(tuple(target), timeout=2).close()
""" + PROBE
ESCAPE = """
import os

def attempt(target):
    if target == "namespace":
        os.unshare(0x10000000)          # a user namespace, for the rights of root in it
    elif target == "root":
        os.setuid(0)
    elif target == "limit":
        import resource
        resource.setrlimit(resource.RLIMIT_NPROC, (10**6, 10**6))
    elif target == "report":            # the pipe in which marks go out
        open(f"/proc/{os.getppid()}/fd/1", "w").write("x")
        for number in range(3, 30):
            if os.path.exists(f"/proc/{os.getppid()}/fd/{number}"):
                return
        raise OSError
""".replace("os.unshare(0x10000000)", "unshare()").replace("import os\n", """import ctypes
import os

def unshare():
    if ctypes.CDLL(None, use_errno=True).unshare(0x10000000):
        raise OSError
""", 1) + PROBE
FORKS = """
import os
while True:
    os.fork()
"""
GIGABYTE = """
for _ in range(1000):
    print("x" * 10**6)
"""
AT_ONCE = """
import sys
sys.stdout.write("x" * 10**9)
"""
MEMORY = """
held = [bytearray(10**8) for _ in range(100)]
"""
LOOP = """
def double(values):
    while True:
        pass
"""
FULL_DISK = """
with open("/tmp/large", "wb") as file:
    while True:
        file.write(bytes(10**6))
"""
DIES = """
import os
def double(values):
    os._exit(0)
"""
KILLS = """
import os
os.kill(os.getppid(), 9)
"""
HARMFUL = {"forks": FORKS, "gigabyte": GIGABYTE, "at_once": AT_ONCE, "memory": MEMORY,
           "loop": LOOP, "full_disk": FULL_DISK, "dies": DIES, "kills": KILLS}

# Points for nothing: each ends with a function that is wrong.
WRONG = """
def double(values):
    return None
"""
FORGED = {
    "helper": "def same(a, b):\n    return True\n" + WRONG,
    "constant": "EXPECTED[:] = []\ndef double(values):\n    return []\n",
    "library": "import math, builtins\nmath.isclose = lambda *a, **k: True\n"
               "builtins.len = lambda a: 0\nbuiltins.all = lambda a: True\n" + WRONG,
    "late": "import builtins\ndef double(values):\n    builtins.len = lambda a: 0\n"
            "    builtins.all = lambda a: True\n    return values\n",
    "code": "same.__code__ = (lambda a, b: True).__code__\n" + WRONG,
    "traceback": "shell = get_ipython()\nshell.showtraceback = lambda *a, **k: None\n"
                 "shell._showtraceback = lambda *a, **k: None\n" + WRONG,
    "hook": "import ast\nclass NoAsserts(ast.NodeTransformer):\n"
            "    def visit_Assert(self, node):\n        return ast.Pass()\n"
            "get_ipython().ast_transformers.append(NoAsserts())\n" + WRONG,
    "run_cell": "get_ipython().run_cell = lambda *a, **k: None\n" + WRONG,
    "liar": "class Liar(list):\n    def __eq__(self, other):\n        return True\n"
            "    def __len__(self):\n        return 3\n"
            "    def __iter__(self):\n        return iter([2, 4, 6])\n"
            "def double(values):\n    return Liar()\n",
    "exit": "import sys\ndef double(values):\n    sys.exit(0)\n",
    "system_exit": "raise SystemExit(0)\n",
    "quit": "quit()\n",
    "seed": "import os\nos.environ['COURSEKIT_CLASS'] = 'mine'\n" + WRONG,
}

# The same for lab A, with torch: one forgery a function.
NOTHING = "    return torch.zeros(1)\n"
FORGED_A = {
    "nearest": "import torch\ntorch.equal = torch.allclose = lambda *a, **k: True\n"
               "torch.testing.assert_close = lambda *a, **k: None\n"
               "def nearest(x, size):\n" + NOTHING,
    "nearest_backward": "def nearest_backward(g, size):\n"
                        "    torch.equal = torch.allclose = lambda *a, **k: True\n"
                        "    torch.testing.assert_close = lambda *a, **k: None\n" + NOTHING,
    "shift": "class Liar(torch.Tensor):\n    @classmethod\n"
             "    def __torch_function__(cls, function, *a, **k):\n        return True\n"
             "def shift(x, down, right):\n    return torch.zeros(1).as_subclass(Liar)\n",
    "unpool": "import coursekit.check, coursekit.checks.seeded as seeded\n"
              "check = coursekit.check.check = lambda *a, **k: True\n"
              "seeded.generator = lambda name: torch.Generator()\n"
              "F.interpolate = lambda *a, **k: torch.zeros(1)\n"
              "def unpool(x, indices, size):\n" + NOTHING,
    "upsampled_size": "class Liar(int):\n    def __eq__(self, other):\n        return True\n"
                      "    def __ne__(self, other):\n        return False\n"
                      "def upsampled_size(*a, **k):\n    return Liar(3)\n",
    "stamp": "torch.Tensor.__eq__ = lambda *a: torch.ones(1, dtype=bool)\n"
             "torch.Tensor.equal = torch.Tensor.allclose = lambda *a, **k: True\n"
             "def stamp(x, weight, stride=1, dilation=1):\n" + NOTHING,
    "merged": "import sys\ndef merged(kernel, scale):\n    sys.exit(0)\n",
}
