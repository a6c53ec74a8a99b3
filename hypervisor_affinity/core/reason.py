# SPDX-License-Identifier: Apache-2.0
"""Why a host passed or was rejected: stable codes, in one list.

The codes appear in nova-scheduler's log, in every tool's output and in the
documentation. They may be added to; none is ever renamed or reused.
"""

import enum
from typing import NamedTuple

from hypervisor_affinity.core.printable import cited


class Reason(enum.StrEnum):
    """One code per way in which a verdict can come about."""

    SUITABLE = 'suitable'
    """The host can run the request."""

    CONTRADICTORY_SIGNS = 'contradictory_signs'
    """Two explicit signs name different hypervisors."""

    UNREADABLE_SIGN = 'unreadable_sign'
    """An explicit sign names no hypervisor that exists."""

    UNREADABLE_REQUEST = 'unreadable_request'
    """The request could not be read at all; the log says why."""

    CANNOT_BOOT = 'cannot_boot'
    """No hypervisor that the request needs can boot its image."""

    LEAVES_HYPERVISOR = 'leaves_hypervisor'
    """A move asks for another hypervisor than the server's disk is for."""

    UNDETERMINED_SERVER = 'undetermined_server'
    """A server is to move, and nothing tells which hypervisor it is on."""

    CONTRADICTORY_HOST = 'contradictory_host'
    """Aggregate metadata and the virt driver exclude each other."""

    UNCLASSIFIED_HOST = 'unclassified_host'
    """The host is in no tagged aggregate, and ``unclassified_hosts=none``."""

    UNREADABLE_HOST = 'unreadable_host'
    """The host's state could not be read at all; the log says why."""

    UNDETERMINED_HOST = 'undetermined_host'
    """Nothing tells the host's hypervisor, and the request needs one."""

    OTHER_HYPERVISOR = 'other_hypervisor'
    """The request needs a hypervisor that the host does not offer."""

    CANNOT_BOOT_HERE = 'cannot_boot_here'
    """The image cannot boot on the hypervisor that the host offers."""

    NOT_PREFERRED = 'not_preferred'
    """A flexible request, ``strict`` placement, and not its first choice."""

    ADMITS_REQUIRED_ONLY = 'admits_required_only'
    """The aggregate admits only requests that need its hypervisor."""

    PROPERTY_NOT_ACCEPTED = 'property_not_accepted'
    """An aggregate constrains an image property to other values."""

    RESERVED = 'reserved'
    """What is free is kept for requests that need the hypervisor."""


def written(key: str, value: object) -> str:
    """Return ``key=value``, fit to be cited: for people, not for programs."""
    return cited(f'{key}={value}')


class Evidence(NamedTuple):
    """One fact that a reason rests on.

    :ivar place: where it stands: ``image``, ``flavor``, ``server``,
        ``option``, ``driver``, ``host`` or ``aggregate NAME``
    :ivar text: the fact as its owner wrote it, usually ``key=value``
    """

    place: str
    text: str


class Problem(NamedTuple):
    """Input that could not be understood and was left out.

    :ivar evidence: the input and where it stands
    :ivar consequence: what was done instead
    """

    evidence: Evidence
    consequence: str

    def __str__(self) -> str:
        # An aggregate's name, and a spelling that a complaint cites.
        place, consequence = (
            cited(self.evidence.place),
            cited(self.consequence),
        )
        return f'{place}: {self.evidence.text}: {consequence}'
