"""What arrays gave back goes to the system."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from applicant_personas.memory import give_back


def megabytes_held():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc, which Linux has")
def test_what_lies_between_arrays_that_stay_is_given_back():
    """Free memory below what is in use is what allocators keep."""
    arrays = [np.ones(8_000) for _ in range(4_000)]
    stay = arrays[::50]
    del arrays
    before = megabytes_held()
    give_back()
    assert megabytes_held() < before - 100
    assert all(array.sum() == 8_000 for array in stay)
