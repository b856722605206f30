"""What glibc does with freed memory is a matter of the whole process, so each case has one of its own."""

import subprocess
import sys

import pytest

_FAULTS = """
import resource, sys
import numpy as np
from tmnet_core import allocator

if sys.argv[1] == "keep":
    allocator.keep_freed_memory()
faults = []
for _ in range(4):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(64 * 2**20, np.uint8)
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(faults[-1])
"""


def _page_faults(choice: str) -> int:
    done = subprocess.run([sys.executable, "-c", _FAULTS, choice], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux's")
def test_memory_that_is_kept_is_not_mapped_anew() -> None:
    # Huge pages make hundreds of the 16,384 pages of 64 MiB; kept memory needs none.
    assert _page_faults("keep") < 8 < _page_faults("as it is")
