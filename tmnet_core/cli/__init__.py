"""The `tmnet` command: arguments to function calls, nothing else; one file for each group of commands.

torch takes seconds to import, so each command imports what it runs.
"""

from __future__ import annotations

# isort: off
# Each registers its commands; the order is that of `tmnet --help`.
from tmnet_core.cli import training
from tmnet_core.cli import runs
from tmnet_core.cli import evaluation
from tmnet_core.cli import reproduction
from tmnet_core.cli import looking
from tmnet_core.cli import attention
from tmnet_core.cli import data
from tmnet_core.cli import networks
from tmnet_core.cli import benchmarks
from tmnet_core.cli import robustness
from tmnet_core.cli.app import app
# isort: on

__all__ = [
    "app",
    "attention",
    "benchmarks",
    "data",
    "evaluation",
    "looking",
    "networks",
    "reproduction",
    "robustness",
    "runs",
    "training",
]
