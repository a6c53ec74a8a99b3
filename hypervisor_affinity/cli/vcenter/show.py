# SPDX-License-Identifier: Apache-2.0
"""``vcenter show``."""

import argparse
from collections.abc import Callable, Iterator
from typing import NamedTuple

from hypervisor_affinity.cli import base
from hypervisor_affinity.cli.listing import LongCommand
from hypervisor_affinity.cli.vcenter.reading import VCenterReading
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.operations.vcenter import clusters
from hypervisor_affinity.operations.vcenter import computes
from hypervisor_affinity.operations.vcenter.computes import Served


class Show(VCenterReading, LongCommand):
    """Show the clusters of a vCenter that are hosts of nova.

    Exits with status 1 if a vCenter cannot be read.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--of',
            choices=list(_VIEWS),
            default='clusters',
            help='clusters: a row for each (default); hosts: their ESXi '
            'hosts; networks: VMkernel adapters and NSX networks of these '
            'hosts; datastores: where nova may put disks',
        )
        return parser

    def columns(self, parsed_args: argparse.Namespace) -> tuple[str, ...]:
        """Return what each row has: of what, and its parts."""
        return 'vCenter', 'Cluster', *_VIEWS[parsed_args.of].columns

    def take_action(self, parsed_args: argparse.Namespace) -> tuple:
        """Return the clusters that nova has to do with, or their parts."""
        with self.reading(parsed_args) as reading:
            vcenters = list(reading.source.vcenters())
            served = computes.served(vcenters, reading.source.hosts())
            if not vcenters:
                self.tell(f'{reading.source.name} has no vCenter')
        self._say_what_is_missing(vcenters)
        view = _VIEWS[parsed_args.of]
        rows = (
            (each.vcenter.name, each.cluster.name, *row)
            for each in served
            for row in view.rows(each)
        )
        return self.chosen(parsed_args, ('Cluster', *view.short), rows)

    def _say_what_is_missing(self, vcenters: list[VCenter]) -> None:
        for vcenter in vcenters:
            if vcenter.error:
                self.tell(f'{self.cmd_name}: {vcenter.error}')
                self.status = base.NEGATIVE


def _clusters(each: Served) -> Iterator[tuple]:
    hosts = clusters.usable(each.cluster.hosts)
    memory = [host.memory_mb for host in hosts]
    free = [host.memory_free_mb for host in hosts]
    yield (
        ' '.join(host.name for host in each.hosts),
        each.cluster.drs,
        'on' if each.cluster.ha else 'off',
        f'{len(hosts)}/{len(each.cluster.hosts)}',
        sum(memory),
        max(memory, default=0),
        max(free, default=0),
        len(each.cluster.vms),
        each.cluster.other_vms,
    )


def _hosts(each: Served) -> Iterator[tuple]:
    for host in each.cluster.hosts:
        yield (
            host.name,
            clusters.state(host),
            host.threads,
            host.memory_mb,
            host.memory_free_mb,
        )


def _networks(each: Served) -> Iterator[tuple]:
    for host in each.cluster.hosts:
        for adapter, services in host.adapters.items():
            yield host.name, adapter, ' '.join(services)
        for network in host.nsx_networks:
            yield host.name, network, 'NSX'


def _datastores(each: Served) -> Iterator[tuple]:
    novas = clusters.for_nova(each.cluster, each.computes)
    hosts = {host.name for host in clusters.connected(each.cluster.hosts)}
    for datastore in each.cluster.datastores:
        yield (
            datastore.name,
            datastore.type,
            'yes' if datastore in novas else 'no',
            'available' if clusters.is_available(datastore) else 'unavailable',
            f'{len(hosts.intersection(datastore.hosts))}/{len(hosts)}',
            datastore.capacity // 2**30,
            datastore.free // 2**30,
        )


class _View(NamedTuple):
    """What is shown.

    :ivar columns: after the vCenter and the cluster
    :ivar short: those of them that are shown without ``--long``
    :ivar rows: makes those of a cluster
    """

    columns: tuple[str, ...]
    short: tuple[str, ...]
    rows: Callable[[Served], Iterator[tuple]]


_VIEWS = {
    'clusters': _View(
        (
            'Compute',
            'DRS',
            'HA',
            'Hosts',
            'Memory MiB',
            'Largest host MiB',
            'Freest host MiB',
            'VMs of nova',
            'Others',
        ),
        ('Compute', 'DRS', 'HA', 'Hosts'),
        _clusters,
    ),
    'hosts': _View(
        ('Host', 'State', 'Threads', 'Memory MiB', 'Free MiB'),
        ('Host', 'State', 'Memory MiB', 'Free MiB'),
        _hosts,
    ),
    'networks': _View(
        ('Host', 'Adapter or network', 'Services'),
        ('Host', 'Adapter or network', 'Services'),
        _networks,
    ),
    'datastores': _View(
        (
            'Datastore',
            'Type',
            'For nova',
            'State',
            'Hosts',
            'Capacity GiB',
            'Free GiB',
        ),
        ('Datastore', 'For nova', 'Hosts', 'Free GiB'),
        _datastores,
    ),
}
