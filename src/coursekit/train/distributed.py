"""Several processes, on one machine or on many: who is there, and who speaks.

`torchrun` starts them, and tells each its number by the environment variables RANK (of all),
LOCAL_RANK (on its machine) and WORLD_SIZE (how many there are), and by MASTER_ADDR and MASTER_PORT
where they meet. GPUs talk by NCCL, CPUs by gloo. Without torchrun there is one process, and nothing
here does anything.

Source: torch.distributed.
"""

import os

import torch
import torch.distributed as dist

# Groups of processes that were left, kept to this process's end. Where DistributedDataParallel
# lives on and has the last reference to its group, torch 2.11 ends the group's threads while it
# holds Python's lock; a thread that has a tensor to free waits for that lock, and neither goes on.
_left = []


def join(device: torch.device) -> torch.device:
    """Meet the other processes, if `torchrun` started any; gives the device of this one.

    Args:
        device: what to compute on. Of several CUDA devices, each process of a machine gets one.
    Raises:
        ValueError: fewer GPUs than processes on this machine, or a device that cannot do this.
    """
    if "RANK" not in os.environ:
        return device
    if device.type == "cuda":
        local, there = int(os.environ.get("LOCAL_RANK", 0)), torch.cuda.device_count()
        if local >= there:
            raise ValueError(f"process {local} of this machine came, but it has {there} GPUs. Give "
                             f"torchrun --nproc-per-node {there}, or train on --device cpu.")
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    elif device.type != "cpu":
        raise ValueError(f"several processes were started on the device {device}, but they can "
                         f"train on cuda and on cpu only. Start one, or give --device cpu.")
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    return device


def leave() -> None:
    """Part from the other processes, if there are any."""
    if dist.is_initialized():
        _left.append(dist.group.WORLD)
        dist.destroy_process_group()


def place() -> tuple[int, int]:
    """This process's number, from 0, and how many there are; (0, 1) alone."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def is_first() -> bool:
    """Whether this process is the one that speaks and writes; alone, it is."""
    return place()[0] == 0


def gather(mine: object) -> list:
    """What each process has, in their order; every process gets the list."""
    everyones = [mine]
    if place()[1] > 1:
        everyones = [None] * place()[1]
        dist.all_gather_object(everyones, mine)
    return everyones
