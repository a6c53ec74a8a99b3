# SPDX-License-Identifier: Apache-2.0
"""What reading one input may take, on Linux."""

import contextlib
import ctypes
import pathlib
import resource
import time
from collections.abc import Iterator

from tests.disk_files import MIB

# Bytes above what the process had before, and seconds of processor time.
MEMORY = 64 * MIB
SECONDS = 2.0

# By proc(5), this sets the peak to what the process has now.
_PEAK = pathlib.Path('/proc/self/clear_refs')
_RESET = '5'

# By malloc.h and mallopt(3). Unless it is told, the C library raises it, and
# then keeps for itself what was given back.
_MMAP_THRESHOLD = -3
_DEFAULT = 128 * 1024


class TooMuch(Exception):
    """Reading an input has taken more than it may."""


def give_memory_back() -> None:
    """Have large memory given back to the kernel as soon as it is free.

    Otherwise an input could use what another one left, unseen.
    """
    ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _DEFAULT)


@contextlib.contextmanager
def kept(memory: int = MEMORY, seconds: float = SECONDS) -> Iterator[None]:
    """See that what is done meanwhile keeps the limits.

    :raises TooMuch: if it does not
    """
    _PEAK.write_text(_RESET)
    begin, before = time.thread_time(), _peak()
    yield
    took, grown = time.thread_time() - begin, _peak() - before
    if took > seconds:
        raise TooMuch(f'{took:.2f} s')
    if grown > memory:
        raise TooMuch(f'{grown // MIB} MiB')


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
