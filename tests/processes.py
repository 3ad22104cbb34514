"""Two real processes for a test, that meet over gloo as `torchrun` would have them meet.

They are forked from a server that has imported torch once, so they start in a moment; not from
pytest, whose threads a fork would break.
"""

import multiprocessing
import os
import socket
import time

LOOPBACK = next(name for _, name in socket.if_nameindex() if name.startswith("lo"))
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["coursekit.train.cli", "torch._dynamo"])    # DDP wants the second


def start(count, function, *arguments):
    """Run `function(*arguments)` in `count` processes, with the variables that torchrun sets."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    team = [CONTEXT.Process(target=run, args=(number, count, port, function, arguments))
            for number in range(count)]
    for one in team:
        one.start()
    return team


def run(number, count, port, function, arguments):
    import torch

    os.environ.update(RANK=str(number), LOCAL_RANK=str(number), WORLD_SIZE=str(count),
                      MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), COURSEKIT_DEVICE="cpu",
                      GLOO_SOCKET_IFNAME=LOOPBACK, COURSEKIT_PLAIN="1")
    torch.set_num_threads(1)
    function(*arguments)


def together(count, function, *arguments):
    """Run `function(*arguments)` in `count` processes to their end, which must be a good one."""
    codes = finish(start(count, function, *arguments))
    assert codes == [0] * count, f"the processes ended with {codes}"


def finish(team, seconds=240):
    """Wait for the processes and give their exit codes; if one fails, the others are ended."""
    end = time.monotonic() + seconds
    while any(one.exitcode is None for one in team) and time.monotonic() < end:
        if any(one.exitcode for one in team):
            break
        time.sleep(0.02)
    for one in team:
        one.join(0.5)
        if one.exitcode is None:
            one.kill()
            one.join()
    return [one.exitcode for one in team]
