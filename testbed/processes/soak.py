# SPDX-License-Identifier: Apache-2.0
"""Boot and delete for a long time, and see what nova-scheduler's memory does.

Each wave has servers of all images of the samples, in both schedulers.
"""

from collections.abc import Callable

import psutil

from testbed.processes import allocations
from testbed.processes.boots import SIDES
from testbed.processes.boots import Boots
from testbed.processes.cloud import Cloud
from testbed.processes.control import SCHEDULERS

_MIB = 1024**2
_EACH = 4
# In boots.
_STEP = 120


def run(cloud: Cloud, count: int, say: Callable[[str], object]) -> list[str]:
    """Boot and delete, and return what went wrong.

    :param count: how many servers, at least
    :param say: is given a line, of servers and of memory, now and then
    """
    wrong = []
    done = 0
    say(f'boots   {"  ".join(SCHEDULERS)}  (resident MiB)')
    say(_line(cloud, done))
    with Boots(cloud) as boots:
        while done < count:
            wave = boots.begin([*SIDES] * _EACH)
            boots.settle()
            wrong += boots.misplaced()
            wrong += [
                f'{boot.image}: {boot.error or boot.status}'
                for boot in wave
                if boot.status != 'ACTIVE'
            ]
            boots.delete()
            done += len(wave)
            if done % _STEP < len(wave) or done >= count:
                say(_line(cloud, done))
    return [*wrong, *allocations.differences(cloud)]


def _line(cloud: Cloud, done: int) -> str:
    sizes = [memory(cloud, name) / _MIB for name in SCHEDULERS]
    return f'{done:5}   ' + '  '.join(
        f'{size:{len(name)}.1f}'
        for name, size in zip(SCHEDULERS, sizes, strict=True)
    )


def memory(cloud: Cloud, name: str) -> int:
    """Return the bytes that a program and its workers have in memory."""
    return sum(
        psutil.Process(pid).memory_info().rss
        for pid in cloud.programs[name].pids
    )
