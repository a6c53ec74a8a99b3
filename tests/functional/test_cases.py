# SPDX-License-Identifier: Apache-2.0
"""The case table in a running nova: each row, on each of its hosts.

An administrator's requested host (API 2.74) leaves one candidate, which the
filters still judge, so that every verdict of a row shows on its own.
"""

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

    def boot(self, case, host):
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
            return self.cloud.boot(volume=volume, **request)
        image = self.cloud.images.create('image', **formats, properties=image)
        return self.cloud.boot(image, to_volume=case.volume, **request)

    def run(self, case):
        defaults = {
            'flexible_placement': 'prefer',
            'preferred_hypervisors': ['kvm', 'vmware'],
            'unclassified_hosts': 'reported',
            'vmdk_images': 'vmware',
        }
        self.cloud.set_options(
            {'hypervisor_affinity': {**defaults, **case.options}}
        )
        found, faults = {}, {}
        for number, (host, _) in enumerate(case.expected):
            if bootable(host):
                unique = dataclasses.replace(
                    case, case=f'{case.case} {number}'
                )
                server = self.boot(unique, host)
                found[host.name] = server.active
                faults[host.name] = server.fault
        return found, faults


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
    for case in rows(group):
        found, faults = table.run(case)
        expected = {
            host.name: reason == 'suitable'
            for host, reason in case.expected
            if bootable(host)
        }
        if found != expected:
            wrong.append((str(case), expected, found, faults))
        refused = [fault for fault in faults.values() if fault]
        if case.user and refused and not any(case.user in f for f in refused):
            wrong.append((str(case), case.user, refused))
    assert not wrong
