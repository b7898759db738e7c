"""Freed memory is the next array's, without asking the system for each of its pages again."""

import platform
import subprocess
import sys

import pytest

# In a process of its own: what malloc is told stays told.
FAULTS = """
import resource, sys
import numpy as np
from neuratrade.lib import memory
if sys.argv[1] == "kept":
    assert memory.keep_freed()
numbers = np.ones(525_600)
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def work():
    [numbers * factor for factor in range(8)]
work()
work()
before = faults()
for _ in range(10):
    work()
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_arrays_of_one_size_cost_their_pages_once() -> None:
    usual, kept = (
        int(subprocess.check_output((sys.executable, "-c", FAULTS, how))) for how in ("usual", "kept")
    )
    assert kept < 100 < 1000 < usual


@pytest.mark.parametrize(("command", "is_seldom"), [("indicators", True), ("watch_market", False)])
def test_only_commands_that_come_and_go_look_for_garbage_seldom(command: str, is_seldom: bool) -> None:
    look = "import gc, sys; from neuratrade import cli; cli.run(sys.argv[1:]); print(gc.get_threshold()[0] > 700)"
    done = subprocess.check_output((sys.executable, "-c", look, command, "--help"), text=True)
    assert done.splitlines()[-1] == str(is_seldom)
