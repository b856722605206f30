"""Which process holds something that lies on a disk, which several machines may share."""

from __future__ import annotations

import platform
from typing import Self

import psutil
from pydantic import BaseModel

# The clock may be set between two readings of a process's start; a number is not given to another process so soon.
_SAME_START = 2.0


class Holder(BaseModel):
    """A process, of whatever machine.

    Attributes:
        host: the machine's name in its network; empty in what earlier versions wrote, which is taken for this machine.
        created: when the process was born, as the system tells it: to the second, not better.
    """

    host: str = ""
    pid: int
    created: float

    @classmethod
    def me(cls) -> Self:
        """Return this process."""
        process = psutil.Process()
        return cls(host=this_host(), pid=process.pid, created=process.create_time())

    @property
    def elsewhere(self) -> bool:
        """Whether it is of another machine, so that nobody here can tell whether it still runs."""
        return self.host not in ("", this_host())

    def process(self) -> psutil.Process | None:
        """Return the process; None once it is gone or its number has gone to another, and where it is elsewhere."""
        if self.elsewhere:
            return None
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < _SAME_START
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None

    def __str__(self) -> str:
        return f"process {self.pid} of the machine {self.host}" if self.elsewhere else f"process {self.pid}"


def this_host() -> str:
    """Return the machine's name in its network."""
    return platform.node()
