# SPDX-License-Identifier: Apache-2.0
"""Checks of what hypervisor-affinity runs on."""

from collections.abc import Iterator, Mapping

from packaging.version import Version

from hypervisor_affinity.status.statements import Statement
from hypervisor_affinity.status.statements import failure
from hypervisor_affinity.status.statements import warning

# Those that all tests are run beside.
OLDEST_NOVA, NEWEST_NOVA = 31, 34
NEWEST_PYTHON = (3, 13)

# For each of them, the first in which nova-api takes no scheduler hint from
# users that is nova's own: OSSA-2026-022, CVE-2026-46448.
HINTS_STRIPPED_SINCE: Mapping[int, str] = {
    31: '31.3.1',
    32: '32.2.1',
    33: '33.0.2',
    34: '34.0.0',
}


def check(nova: str, python: tuple[int, int]) -> Iterator[Statement]:
    """Find out whether nova and Python are releases that were tested.

    :param nova: nova's version
    """
    major = Version(nova).major
    known = f'{OLDEST_NOVA} to {NEWEST_NOVA}'
    if major < OLDEST_NOVA:
        yield failure(
            f'nova {nova} is not supported; {known} are. Upgrade nova.'
        )
    since = HINTS_STRIPPED_SINCE.get(major)
    if since and Version(nova) < Version(since):
        yield warning(
            f'nova {nova}: before {since} nova-api takes the scheduler hint '
            '_nova_check_type from users (CVE-2026-46448). A server that is '
            'booted with it has no allocation in Placement, and most of '
            "nova's filters do not see it; HypervisorAffinityFilter does. "
            f'Upgrade nova to {since}, nova-api first. If your distribution '
            'has fixed this CVE in its package, ignore this warning.'
        )
    if major > NEWEST_NOVA:
        yield warning(
            f'nova {nova} is newer than what was tested ({known}). Look for a '
            'newer hypervisor-affinity, and check in a test cloud where '
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
