# SPDX-License-Identifier: Apache-2.0
"""The exporter: what it reads, and the server that Prometheus scrapes."""

import dataclasses
import importlib.metadata
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry
from prometheus_client import ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from hypervisor_affinity.cloud.changes import ChangingServers
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.cloud.source import Source
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.exporter import cloud_metrics
from hypervisor_affinity.exporter import families
from hypervisor_affinity.exporter import polling
from hypervisor_affinity.exporter import serving
from hypervisor_affinity.exporter import vcenter_metrics
from hypervisor_affinity.exporter.held import Held
from hypervisor_affinity.exporter.known_servers import KnownServers
from hypervisor_affinity.exporter.polling import Poller
from hypervisor_affinity.operations.vcenter import computes
from hypervisor_affinity.operations.vcenter import health
from hypervisor_affinity.operations.vcenter.servers import SecondLook

if TYPE_CHECKING:
    # With oslo.messaging, which need not be installed.
    from hypervisor_affinity.exporter.decision_reading import DecisionReading

# What readings of nova are called, beside the vCenters by their names.
NOVA = 'openstack'
# In seconds, for each reading that is under way when the program ends.
_PATIENCE = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class _Nova:
    """What was read of nova, and the metrics made of it."""

    hosts: tuple[Host, ...]
    metrics: tuple[Metric, ...]


class Exporter(Collector):
    """Reads a cloud and its vCenters, and has metrics of them.

    Each vCenter and nova have a thread of their own: whichever is slow, the
    others' figures are fresh, and a scrape never waits.
    """

    def __init__(
        self,
        source: Source,
        policy: Policy,
        vcenters: Iterable[tuple[str, Callable[[], VCenter]]],
        again: SecondLook | None,
        interval: float,
        decisions: 'DecisionReading | None' = None,
    ) -> None:
        """Read nothing yet.

        :param vcenters: their names, and what reads each
        :param again: as in ``health.check``
        :param interval: in seconds
        :param decisions: None if nothing is to be counted
        """
        self._source = source
        self._policy = policy
        self._again = again
        self._decisions = decisions
        self._vcenters = [
            Poller(name, read, interval, lambda vcenter: vcenter.error)
            for name, read in vcenters
        ]
        self._servers = (
            KnownServers(source)
            if isinstance(source, ChangingServers)
            else None
        )
        self._server: WSGIServer | None = None
        self._nova = Poller(
            NOVA, self._read_nova, interval, after=self._vcenters
        )

    def start(self) -> None:
        """Begin to read."""
        for poller in self._pollers:
            poller.start()
        if self._decisions is not None:
            self._decisions.start()

    def stop(self) -> None:
        """End; do not wait long for what is being read."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        for poller in self._pollers:
            poller.stop()
        if self._decisions is not None:
            self._decisions.stop()
        for poller in self._pollers:
            poller.join(_PATIENCE)

    def serve(self, host: str, port: int) -> tuple[str, int]:
        """Serve the metrics; return the IP address and the port.

        :param host, port: as in ``serving.start``
        :raises OSError: if it cannot listen there
        """
        registry = CollectorRegistry()
        registry.register(self)
        ProcessCollector(registry=registry)
        self._server = serving.start(registry, host, port, _version())
        address, port, *_ = self._server.server_address
        return str(address), port

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the registry is to read nothing beforehand."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield what was read last."""
        yield families.info(
            'build',
            'The exporter.',
            [{'version': _version()}],
        )
        yield from polling.metrics(self._pollers)
        if self._decisions is not None:
            yield from self._decisions.metrics()
        vcenters = self._known()
        nova = self._nova.value
        served = computes.served(vcenters, nova.hosts if nova else ())
        yield from vcenter_metrics.metrics(vcenters, served)
        if nova is not None:
            yield from nova.metrics

    @property
    def _pollers(self) -> list[Poller]:
        return [self._nova, *self._vcenters]

    def _known(self) -> list[VCenter]:
        """Return the vCenters that were read, also those that failed."""
        values = [poller.value for poller in self._vcenters]
        return [vcenter for vcenter in values if vcenter is not None]

    def _read_nova(self) -> _Nova:
        source = Held(self._source, self._known(), self._servers)
        metrics: list[Metric] = []
        findings = health.check(
            source,
            self._policy,
            self._again,
            lambda servers: metrics.extend(
                cloud_metrics.metrics(source, self._policy, servers)
            ),
        )
        names = [poller.name for poller in self._vcenters]
        metrics.append(vcenter_metrics.findings(findings, names))
        return _Nova(source.held_hosts, tuple(metrics))


def _version() -> str:
    return importlib.metadata.version('hypervisor-affinity')
