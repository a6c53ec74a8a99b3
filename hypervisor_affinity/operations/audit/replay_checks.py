# SPDX-License-Identifier: Apache-2.0
"""What becomes of a server that is booted again, and what is not known."""

import dataclasses
import enum

from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.operations.findings import Check
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.findings import Severity


@enum.unique
class ReplayCheck(Check):
    """What enforcing changes for a server; the codes are stable."""

    WOULD_BE_REFUSED = (
        'would_be_refused',
        Severity.WARNING,
        'correct its image or its flavor, or offer such a host, before you '
        'enforce',
        'No host that is enabled can run the server.',
    )

    WOULD_GO_ELSEWHERE = (
        'would_go_elsewhere',
        Severity.INFO,
        'nothing if that is right; otherwise correct image, flavor or '
        'aggregate',
        'The host that the server is on would be withheld from it; others can '
        'run it.',
    )

    OTHER_HYPERVISOR_FIRST = (
        'other_hypervisor_first',
        Severity.INFO,
        'nothing if that is right; otherwise set preferred_hypervisors, or '
        'the order of its flavor',
        'The host that the server is on could run it, but another hypervisor '
        'comes before it in the order of preference, and has hosts for it.',
    )

    STAYS = (
        'stays',
        Severity.INFO,
        'nothing',
        'Enforcing changes nothing: the host that the server is on could run '
        'it, and no other hypervisor comes first.',
    )

    NOT_KNOWN = (
        'not_known',
        Severity.INFO,
        'nothing that can be done here; Reason says what is not known',
        'What would become of the server is not known.',
    )


class Gap(enum.StrEnum):
    """Why it is not known what would become of a server."""

    ON_NO_HOST = 'on_no_host'
    """The server is on no host: it is shelved, or it never got one."""

    HOST_NOT_FOUND = 'host_not_found'
    """The server's host has no compute node."""

    IMAGE_DELETED = 'image_deleted'
    """The server's image is gone, so nobody can boot from it again."""

    IMAGE_NOT_ACTIVE = 'image_not_active'
    """nova boots nothing from the image, since it is not active."""

    VOLUME_NOT_KNOWN = 'volume_not_known'
    """Nobody tells which volume the server boots from, or of which image."""

    NO_HOST_ENABLED = 'no_host_enabled'
    """No host of the cloud takes servers."""

    NOT_JUDGED = 'not_judged'
    """A record has something unexpected."""


@dataclasses.dataclass(frozen=True, slots=True)
class Replayed:
    """A server, and what it would be on.

    :ivar origin: the hypervisor that it is on, for people; '' if its host is
        not known
    :ivar destination: the one that it would be on, in the same words; '' if
        it would be on none, or that is not known
    """

    server: Server
    origin: str = ''
    destination: str = ''


ReplayFinding = Finding[Replayed]
