# SPDX-License-Identifier: Apache-2.0
"""Why a host passed or was rejected: stable codes, in one list.

The codes appear in nova-scheduler's log, in every tool's output and in the
documentation. They may be added to; none is ever renamed or reused.
"""

import dataclasses
import enum
from collections.abc import Iterable
from typing import NamedTuple, Self

from hypervisor_affinity.core.printable import cited

# For a request that needs a hypervisor, the explanation names it instead.
_NONE_KNOWN = 'the hypervisor of the available hosts is not known'


@enum.unique
class Reason(enum.StrEnum):
    """One code per way in which a verdict can come about.

    What refuses a request by itself comes first; then what rejects a host,
    in the order in which the host came nearer to passing: where hosts were
    rejected for different reasons, a user is told of the last of them.

    :ivar words: what a server's owner reads, so that there is no reason
        without words: of a host, what all of them lack; of a request, without
        its article and with ``{}`` for the signs that led there. '' where
        :mod:`hypervisor_affinity.core.explanation` has more to say than that.
    """

    words: str

    def __new__(cls, code: str, words: str) -> Self:
        """Return a code that has its words with it."""
        reason = str.__new__(cls, code)
        reason._value_ = code
        reason.words = words
        return reason

    SUITABLE = 'suitable', ''
    """The host can run the request."""

    CONTRADICTORY_SIGNS = (
        'contradictory_signs',
        '{}: they contradict each other',
    )
    """Two explicit signs name different hypervisors."""

    UNREADABLE_SIGN = 'unreadable_sign', '{} does not name a known hypervisor'
    """An explicit sign does not name a known hypervisor."""

    UNREADABLE_REQUEST = 'unreadable_request', 'request cannot be read'
    """The request could not be read at all; the log says why."""

    CANNOT_BOOT = 'cannot_boot', ''
    """No hypervisor that the request needs can boot its image."""

    LEAVES_HYPERVISOR = (
        'leaves_hypervisor',
        '{}: a server cannot move to another hypervisor',
    )
    """A move asks for another hypervisor than the server's disk is for."""

    UNCLASSIFIED_HOST = 'unclassified_host', _NONE_KNOWN
    """The host is in no tagged aggregate, and ``unclassified_hosts=none``."""

    CONTRADICTORY_HOST = 'contradictory_host', _NONE_KNOWN
    """Aggregate metadata and the virt driver exclude each other."""

    UNREADABLE_HOST = 'unreadable_host', _NONE_KNOWN
    """The host's state could not be read at all; the log says why."""

    UNDETERMINED_HOST = 'undetermined_host', _NONE_KNOWN
    """Nothing tells the host's hypervisor, and the request needs one."""

    UNDETERMINED_SERVER = (
        'undetermined_server',
        'its disk might not boot on any of the available hosts',
    )
    """A server is to move, and nothing tells which hypervisor it is on."""

    OTHER_HYPERVISOR = 'other_hypervisor', 'no such host is available'
    """The request needs a hypervisor that the host does not offer."""

    CANNOT_BOOT_HERE = (
        'cannot_boot_here',
        'none of the available hosts can boot it',
    )
    """The image cannot boot on the hypervisor that the host offers."""

    PROPERTY_NOT_ACCEPTED = 'property_not_accepted', ''
    """An aggregate constrains an image property to other values."""

    NOT_PREFERRED = (
        'not_preferred',
        'it may use only the preferred hypervisor, and no host with that '
        'hypervisor is available',
    )
    """A flexible request, ``strict`` placement, and not its first choice."""

    ADMITS_REQUIRED_ONLY = (
        'admits_required_only',
        'the available hosts admit only servers that need their hypervisor',
    )
    """The aggregate admits only requests that need its hypervisor."""

    RESERVED = (
        'reserved',
        'the free capacity of the available hosts is reserved for servers '
        'that need their hypervisor',
    )
    """What is free is kept for requests that need the hypervisor."""


OF_REQUEST = frozenset(
    {
        Reason.CONTRADICTORY_SIGNS,
        Reason.UNREADABLE_SIGN,
        Reason.UNREADABLE_REQUEST,
        Reason.CANNOT_BOOT,
        Reason.LEAVES_HYPERVISOR,
    }
)
"""Those that refuse a request by itself, whatever hosts there are."""


def nearest(reasons: Iterable[Reason]) -> Reason:
    """Return the reason of the host that came nearest to passing.

    :raises ValueError: for no reason at all
    """
    return max(reasons, key=list(Reason).index)


def written(key: str, value: object) -> str:
    """Return ``key=value``, fit to be cited: for people, not for programs."""
    return cited(f'{key}={value}')


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """One fact that a reason rests on, as its owner wrote it.

    :ivar place: where it stands: ``image``, ``flavor``, ``server``,
        ``option``, ``driver``, ``host``, ``nova-compute``, ``Placement`` or
        ``aggregate NAME``
    :ivar key: what was set there; or, without a value, a statement in words
        that may be shown as they are
    :ivar value: what it was set to, whole; None for a statement
    """

    place: str
    key: str
    value: str | None = None

    @property
    def text(self) -> str:
        """The fact without its place: usually ``key=value``, fit to cite."""
        if self.value is None:
            return self.key
        return written(self.key, self.value)

    def __str__(self) -> str:
        return f'{self.place} {self.text}'


def listed(evidence: Iterable[Evidence]) -> str:
    """Return facts in one line, each with its place."""
    return '; '.join(map(str, evidence))


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
