# SPDX-License-Identifier: Apache-2.0
"""The case table in a running nova: each row, on each of its hosts.

An administrator's requested host (API 2.74) leaves one candidate, which the
filters still judge, so that every verdict of a row shows on its own.
"""

import collections
import dataclasses

import pytest

from testbed.embedded_cloud import faces
from tests import case_table

DRIVER_FACES = {
    'QEMU': faces.KVM,
    'VMware vCenter Server': faces.VCENTER,
    'VMware ESXi': faces.ESXI,
    'fake': faces.FAKE,
}


def bootable(host):
    # A compute node record needs a hypervisor_type; how full a host is
    # belongs to tests of its own.
    return host.driver['hypervisor_type'] and not host.used


def face_of(host):
    name = host.driver['hypervisor_type']
    if name in DRIVER_FACES:
        return DRIVER_FACES[name]
    known = tuple(
        ('x86_64', hv_type, 'hvm')
        for hv_type in host.driver['supported']
        if hv_type != 'hyperfoo'
    )
    return dataclasses.replace(
        faces.FAKE, hypervisor_type=name, supported_instances=known
    )


def rows(group):
    return [
        case
        for case in group.cases
        if case.boot
        and case.nova_api != 'refuses'
        and case.runs_on is None
        and not case.rebuild
    ]


GROUPS = [group for group in case_table.groups() if rows(group)]


def service_name(host):
    tags = '-'.join(
        f'{key}={value}'
        for tag in host.aggregates
        for key, value in tag.items()
    )
    return f'{host.name}-{abs(hash(tags))}'


class Table:
    """A cloud with every host of a group's rows."""

    def __init__(self, cloud, group):
        self.cloud = cloud
        self._aggregates = {}
        for case in rows(group):
            for host, _ in case.expected:
                if bootable(host):
                    self._add(host)

    def _add(self, host):
        name = service_name(host)
        if name in self._aggregates:
            return
        self.cloud.add_host(name, face_of(host))
        self._aggregates[name] = [
            self.cloud.aggregates.create(
                f'{name}-{number}', hosts=[name], metadata=metadata
            )
            for number, metadata in enumerate(host.aggregates)
        ]

    def _begin(self, case, host):
        """Ask for a server; return its id."""
        image = dict(case.image)
        formats = {
            name: image.pop(name, default)
            for name, default in (
                ('disk_format', None),
                ('container_format', 'bare'),
            )
        }
        flavor = self.cloud.flavors.create(
            str(case)[:250],
            extra_specs=case.extra_specs,
            # Older clients can store what the validators would refuse.
            microversion='2.85',
        )
        request = {'flavor': flavor, 'host': service_name(host)}
        if case.volume and 'disk_format' not in case.image:
            metadata = case.image or None
            volume = self.cloud.volumes.create(image_metadata=metadata)
            (begun,) = self.cloud.servers.submit(volume=volume, **request)
            return begun
        image = self.cloud.images.create('image', **formats, properties=image)
        (begun,) = self.cloud.servers.submit(
            image, to_volume=case.volume, **request
        )
        return begun

    def run(self, cases):
        """Boot rows that have the same options, all at once.

        :returns: for each row, {host: server}
        """
        defaults = {
            'flexible_placement': 'prefer',
            'preferred_hypervisors': ['kvm', 'vmware'],
            'unclassified_hosts': 'reported',
            'vmdk_images': 'vmware',
        }
        self.cloud.set_options(
            {'hypervisor_affinity': {**defaults, **cases[0].options}}
        )
        begun = [
            {
                host.name: self._begin(
                    dataclasses.replace(case, case=f'{case.case} {number}'),
                    host,
                )
                for number, (host, _) in enumerate(case.expected)
                if bootable(host)
            }
            for case in cases
        ]
        ids = [server for hosts in begun for server in hosts.values()]
        servers = dict(zip(ids, self.cloud.servers.wait(ids), strict=True))
        return [
            {host: servers[server] for host, server in hosts.items()}
            for hosts in begun
        ]


def rounds(cases):
    """Return lists of rows, each of rows with the same options."""
    found = collections.defaultdict(list)
    for case in cases:
        found[repr(sorted(case.options.items()))].append(case)
    return list(found.values())


@pytest.mark.parametrize('group', GROUPS, ids=lambda group: group.title)
def test_group(group, start_cloud):
    # Only the filter under test, so that no other one hides its verdict.
    table = Table(
        start_cloud(
            {
                'filter_scheduler': {
                    'enabled_filters': [
                        'ComputeFilter',
                        'HypervisorAffinityFilter',
                    ]
                }
            }
        ),
        group,
    )
    wrong = []
    for cases in rounds(rows(group)):
        for case, servers in zip(cases, table.run(cases), strict=True):
            found = {host: server.active for host, server in servers.items()}
            expected = {
                host.name: reason == 'suitable'
                for host, reason in case.expected
                if bootable(host)
            }
            faults = [s.fault for s in servers.values() if s.fault]
            if found != expected:
                wrong.append((str(case), expected, found, faults))
            if (
                case.user
                and faults
                and not any(case.user in f for f in faults)
            ):
                wrong.append((str(case), case.user, faults))
    assert not wrong
