# SPDX-License-Identifier: Apache-2.0
"""Whether a nova-compute may get servers, and what keeps it from that."""

import dataclasses
import enum
from typing import TYPE_CHECKING, Self

from hypervisor_affinity.core import hypervisor

if TYPE_CHECKING:
    # It needs what is missing where nova's databases alone are read.
    from hypervisor_affinity.cloud.snapshot import Host


class Trouble(enum.StrEnum):
    """Why nova gives a nova-compute no servers."""

    DOWN = 'down'
    """It does not report."""

    FORCED_DOWN = 'forced_down'
    """An administrator has forced it down."""

    DISABLED = 'disabled'
    """An administrator has disabled it."""

    DISABLED_BY_DRIVER = 'disabled_by_driver'
    """The vSphere driver has disabled it, since vCenter did not answer."""


@dataclasses.dataclass(frozen=True, slots=True)
class ComputeService:
    """A nova-compute as nova has it.

    :ivar is_up: whether nova takes it for alive; nova never does while it is
        forced down
    :ivar is_forced_down: whether somebody has said that it is down; False,
        too, where nova does not tell
    :ivar disabled_reason: None if it is enabled; may be empty
    """

    is_up: bool = True
    is_forced_down: bool = False
    disabled_reason: str | None = None

    @classmethod
    def from_record(cls, host: 'Host') -> Self:
        """Return the nova-compute of a host that was read by nova's API."""
        disabled = host.status == 'disabled'
        return cls(
            is_up=host.state == 'up',
            disabled_reason=(host.disabled_reason or '') if disabled else None,
        )

    @property
    def troubles(self) -> frozenset[Trouble]:
        """Why it gets no servers; empty if it may."""
        found = set()
        if self.is_forced_down:
            found.add(Trouble.FORCED_DOWN)
        elif not self.is_up:
            found.add(Trouble.DOWN)
        if self.disabled_reason == hypervisor.DISABLED_BY_VSPHERE_DRIVER:
            found.add(Trouble.DISABLED_BY_DRIVER)
        elif self.disabled_reason is not None:
            found.add(Trouble.DISABLED)
        return frozenset(found)
