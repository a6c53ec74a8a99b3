# SPDX-License-Identifier: Apache-2.0
"""What changes in a cloud, so that not all of it is read each time."""

import datetime
from collections.abc import Iterator
from typing import NamedTuple, Protocol, runtime_checkable

from hypervisor_affinity.cloud.snapshot import Server


class Change(NamedTuple):
    """A server as it is now.

    :ivar id: of the server
    :ivar server: None if it was deleted
    :ivar at: when it changed last, by the clocks of the cloud; None if that
        is not known
    """

    id: str
    server: Server | None
    at: datetime.datetime | None


@runtime_checkable
class ChangingServers(Protocol):
    """A source that tells which servers have changed."""

    def server_changes(
        self, since: datetime.datetime | None
    ) -> Iterator[Change]:
        """Yield the servers that changed, deleted ones first.

        A server may come twice; what comes last is newer.

        :param since: with a time zone; None for all servers that there are
        :raises SourceError: if they cannot be read
        """
