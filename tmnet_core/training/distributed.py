"""Several processes that train one network, each on its share of every step's clips, as torchrun starts them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import Sampler

from tmnet_core.data.clips import ChosenClips, ClipKey, ClipSource, EpochSampler
from tmnet_core.device import choose_device, describe_device
from tmnet_core.errors import TMNetError
from tmnet_core.models.tmnet import TMNet

Value = TypeVar("Value")


class Ranks:
    """One process among those that train together; alone, every method costs nothing.

    Attributes:
        rank: this process, from 0; the first one writes.
        count: how many there are.
    """

    def __init__(self, rank: int = 0, count: int = 1) -> None:
        self.rank = rank
        self.count = count

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def device(self, name: str) -> torch.device:
        """Return this process's device: of CUDA devices, the one that torchrun numbered it for."""
        device = choose_device(name)
        if self.count > 1 and device.type == "cuda":
            if device.index is not None:
                raise TMNetError(f"training.device = {name}: several processes cannot share one GPU; set it to 'cuda'")
            device = choose_device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}")
            torch.cuda.set_device(device)
        return device

    def sum(self, *values: int) -> list[int]:
        """Return the sums over all processes."""
        if self.count == 1:
            return list(values)
        total = torch.tensor(values)
        dist.all_reduce(total)
        return [int(value) for value in total]

    def greatest(self, value: int) -> int:
        """Return the greatest of all processes' values."""
        if self.count == 1:
            return value
        found = torch.tensor(value)
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return int(found)

    def add(self, tensor: Tensor) -> Tensor:
        """Return the sum of all processes' tensors, on their device."""
        if self.count > 1:
            dist.all_reduce(tensor)
        return tensor

    def gather(self, value: Value) -> list[Value]:
        """Return the values of all processes in order; they travel as pickles."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        dist.all_gather_object(values, value)
        return values

    def from_first(self, make: Callable[[], Value]) -> Value:
        """Let the first process alone make something, and give it to all; what fails there ends the others quietly."""
        if self.count == 1:
            return make()
        box: list[Any] = [None]
        if self.first:
            try:
                box = [(make(),)]
            finally:
                dist.broadcast_object_list(box)
        else:
            dist.broadcast_object_list(box)
        if box[0] is None:
            raise SystemExit(1)
        made: Value = box[0][0]
        return made

    def share(self, source: ClipSource) -> ClipSource:
        """Return this process's part of some clips: no clip is in two parts, and all parts in order are all clips."""
        if self.count == 1:
            return source
        start, end = (len(source) * rank // self.count for rank in (self.rank, self.rank + 1))
        return ChosenClips(source, range(start, end))

    def average_gradients(self, step: nn.Module, device: torch.device) -> nn.Module:
        """Return the module such that each backward pass ends with the mean of all processes' gradients."""
        if self.count == 1:
            return step
        places = [device] if device.type == "cuda" else None
        # BatchNorm's statistics are made equal when they are needed, by `equal_buffers`, not at each step.
        return DistributedDataParallel(step, device_ids=places, broadcast_buffers=False)

    def averaging(self, step: nn.Module, *, now: bool) -> AbstractContextManager[None]:
        """Return the context of a forward and backward pass; gradients are only added up unless it is `now`."""
        if isinstance(step, DistributedDataParallel) and not now:
            return step.no_sync()
        return nullcontext()

    def synchronise_batch_norm(self, model: TMNet, device: torch.device) -> TMNet:
        """Return the model with batch statistics over all processes; TMNetError where they do not train on CUDA."""
        if self.count == 1:
            return model
        if device.type != "cuda":
            raise TMNetError(f"training.sync_batch_norm: it needs CUDA, these processes train on {device}")
        converted = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
        assert isinstance(converted, TMNet)
        return converted

    def describe(self, device: torch.device) -> str:
        """Return for a person on what this trains."""
        name = describe_device(device)
        return name if self.count == 1 else f"{self.count} × {name}"

    def equal_buffers(self, model: nn.Module) -> None:
        """Give all processes the first one's BatchNorm statistics, which have seen their own clips until now."""
        if self.count > 1:
            for buffer in model.buffers():
                dist.broadcast(buffer, 0)


@contextmanager
def join_ranks() -> Iterator[Ranks]:
    """Join the processes that torchrun started beside this one, if it did; on CUDA they speak NCCL, else gloo."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Ranks()
        return
    # What is on the host, such as requests to stop, goes through gloo, so that no GPU is waited for.
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Ranks(dist.get_rank(), count)
    finally:
        dist.destroy_process_group()


class RankSampler(Sampler[list[ClipKey]]):
    """Deals the clips of an epoch to steps, of these to processes, and of these to the parts of a step.

    Yields `parts` lists for each step, those of one process; no clip is in two of them. At the end of an epoch, where
    clips are few, lists may be empty, so that all processes take the same number of steps.
    """

    def __init__(self, clips: EpochSampler, step: int, *, parts: int, rank: int, count: int) -> None:
        self.clips = clips
        self.step = step
        self.parts = parts
        self.rank = rank
        self.count = count

    def __len__(self) -> int:
        return -(-len(self.clips) // self.step) * self.parts

    def __iter__(self) -> Iterator[list[ClipKey]]:
        keys = list(self.clips)
        for start in range(0, len(keys), self.step):
            mine = keys[start : start + self.step][self.rank :: self.count]
            yield from (mine[part :: self.parts] for part in range(self.parts))
