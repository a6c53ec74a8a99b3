# SPDX-License-Identifier: Apache-2.0
"""A cloud of which some parts are read once for all that look at them."""

import functools
from collections.abc import Iterable, Iterator

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.cloud.source import Source
from hypervisor_affinity.exporter.known_servers import KnownServers


class Held(Source):
    """Another source, whose hosts and aggregates are read once.

    * ``held_hosts``: in a list
    """

    def __init__(
        self,
        source: Source,
        vcenters: Iterable[VCenter],
        known: KnownServers | None = None,
    ) -> None:
        """Read nothing yet.

        :param vcenters: in place of the source's
        :param known: what has the source's servers; None if nothing has
        """
        self._source = source
        self._vcenters = tuple(vcenters)
        self._known = known

    @property
    def name(self) -> str:
        """Return the source's."""
        return self._source.name

    @functools.cached_property
    def held_hosts(self) -> tuple[Host, ...]:
        """Return the compute nodes."""
        return tuple(self._source.hosts())

    @functools.cached_property
    def _aggregates(self) -> tuple[Aggregate, ...]:
        return tuple(self._source.aggregates())

    def hosts(self) -> Iterator[Host]:
        """Yield the compute nodes."""
        return iter(self.held_hosts)

    def aggregates(self) -> Iterator[Aggregate]:
        """Yield the host aggregates."""
        return iter(self._aggregates)

    def flavors(self) -> Iterator[Flavor]:
        """Yield the flavors."""
        return self._source.flavors()

    def images(self) -> Iterator[Image]:
        """Yield the images."""
        return self._source.images()

    def vcenters(self) -> Iterator[VCenter]:
        """Yield the vCenters that were given."""
        return iter(self._vcenters)

    def servers(self) -> Iterator[Server]:
        """Yield the servers."""
        if self._known is None:
            return self._source.servers()
        return iter(self._known.read())
