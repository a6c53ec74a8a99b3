# SPDX-License-Identifier: Apache-2.0
"""Checks of what hypervisor-affinity runs on."""

from collections.abc import Iterator

from hypervisor_affinity.status.findings import Finding
from hypervisor_affinity.status.findings import failure
from hypervisor_affinity.status.findings import warning

# Those that all tests are run beside.
OLDEST_NOVA, NEWEST_NOVA = 31, 34
NEWEST_PYTHON = (3, 13)


def check(nova: str, python: tuple[int, int]) -> Iterator[Finding]:
    """Find out whether nova and Python are releases that were tested.

    :param nova: nova's version; what follows its first dot does not matter
    """
    major = int(nova.partition('.')[0])
    known = f'{OLDEST_NOVA} to {NEWEST_NOVA}'
    if major < OLDEST_NOVA:
        yield failure(
            f'nova {nova} is not supported; {known} are. Upgrade nova.'
        )
    if major > NEWEST_NOVA:
        yield warning(
            f'nova {nova} is newer than what was tested ({known}). Look for '
            'a newer hypervisor-affinity, and try out in a test cloud where '
            'servers are placed.'
        )
    if python > NEWEST_PYTHON:
        yield warning(
            f'Python {_dotted(python)} is newer than what was tested (up to '
            f'{_dotted(NEWEST_PYTHON)}). Look for a newer '
            'hypervisor-affinity.'
        )


def _dotted(version: tuple[int, ...]) -> str:
    return '.'.join(map(str, version))
