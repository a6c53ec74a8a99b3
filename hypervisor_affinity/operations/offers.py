# SPDX-License-Identifier: Apache-2.0
"""What the hosts of a source offer."""

import collections
from collections.abc import Iterable, Iterator

from hypervisor_affinity.cloud import adapters
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.offer import HostOffer
from hypervisor_affinity.core.offer import is_tagged
from hypervisor_affinity.core.offer import problems_of
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Problem
from hypervisor_affinity.operations import judging


def hypervisor_of(offer: HostOffer) -> str:
    """Name the hypervisor of a host, for people; ``undetermined`` for none."""
    families = offer.underneath
    return hypervisor.title(families) if families else 'undetermined'


class HostOffers:
    """Offers of hosts; those that offer the same share one object."""

    def __init__(
        self, aggregates: Iterable[Aggregate], policy: Policy
    ) -> None:
        """Read the aggregates."""
        self._policy = policy
        self._aggregates: dict[str, list[Aggregate]] = collections.defaultdict(
            list
        )
        for aggregate in aggregates:
            for host in aggregate.hosts:
                self._aggregates[host].append(aggregate)
        self._known: dict[tuple, HostOffer] = {}

    def aggregates(self, host: Host) -> list[Aggregate]:
        """Return the aggregates that a host is in."""
        return self._aggregates.get(host.name, [])

    def is_tagged(self, aggregate: Aggregate) -> bool:
        """Tell whether any metadata of an aggregate is for this project."""
        return any(map(is_tagged, adapters.read_tags([aggregate])))

    def problems(self, aggregate: Aggregate) -> tuple[Problem, ...]:
        """Return what cannot be read of an aggregate, whatever it holds."""
        (tags,) = adapters.read_tags([aggregate])
        return problems_of(tags, self._policy)

    def problems_of_host(self, host: Host) -> list[Problem]:
        """Return what is left out of a host's aggregates for it alone.

        That is what its driver contradicts.
        """
        found = self.offer(host).problems
        if not found:
            return []
        of_aggregates = {
            problem
            for aggregate in self.aggregates(host)
            for problem in self.problems(aggregate)
        }
        return [problem for problem in found if problem not in of_aggregates]

    def readable(self, hosts: Iterable[Host]) -> Iterator[Host]:
        """Yield the hosts whose offer can be worked out, for who counts them.

        Of the others, who judges each host finds that they cannot be judged.
        """
        for host in hosts:
            try:
                self.offer(host)
            except Exception as error:
                judging.evidence(f'host {host.name}', error)
            else:
                yield host

    def offer(self, host: Host) -> HostOffer:
        """Return what a host offers."""
        aggregates = self.aggregates(host)
        key = (
            *map(id, aggregates),
            host.hypervisor_type,
            host.supported,
        )
        if key not in self._known:
            self._known[key] = adapters.read_host(
                host, aggregates, self._policy
            )
        return self._known[key]
