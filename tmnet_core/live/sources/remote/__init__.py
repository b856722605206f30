"""Sources that run in a process of their own: what kills a decoder or hangs a driver takes nothing else along.

A reader process is told what to do by lines of JSON on its standard input and answers on its standard output (nothing
that it says is ever unpickled); pixels come through shared memory.
"""

from tmnet_core.live.sources.remote.pool import ReaderPool
from tmnet_core.live.sources.remote.process import Limits, ReaderProcess
from tmnet_core.live.sources.remote.remote_source import RemoteSource

__all__ = ["Limits", "ReaderPool", "ReaderProcess", "RemoteSource"]
