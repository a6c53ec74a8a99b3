# SPDX-License-Identifier: Apache-2.0
"""What of nova-computes is a finding, beside the nearest that is none."""

import pytest

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.core.hypervisor import DISABLED_BY_VSPHERE_DRIVER
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.vcenter import health
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from tests import cloud_of_records
from tests import vcenter_records as records
from tests.unforeseen import Unforeseen
from tests.vcenter_records import cloud
from tests.vcenter_records import cluster
from tests.vcenter_records import conf
from tests.vcenter_records import found
from tests.vcenter_records import nova
from tests.vcenter_records import vcenter

MINE = 'production'
KVM = cloud_of_records.kvm('kvm-1')
TEST = cluster(id='domain-c1008', name='test', drs='off')
TEST_NODE = nova('vc-2', moid='domain-c1008')


def with_nova(**fields):
    return cloud(hosts=[nova(**fields)])


def with_files(*computes, **fields):
    return cloud(vcenters=[vcenter(computes=computes, **fields)])


def with_aggregate(*hosts, **metadata):
    return cloud(aggregates=[Aggregate('a', 'a-1', metadata, hosts)])


ODD = Aggregate('odd', 'a-odd', Unforeseen(), ('kvm-1',))


def two_vcenters(**fields):
    """Return a cloud of two vCenters that differ by their uuids.

    :param fields: of the cluster of the second one
    """
    second = nova('vc-2', uuid=records.OTHER_UUID)
    return cloud(
        hosts=[nova(), second],
        vcenters=[
            vcenter(),
            vcenter(
                cluster(**fields),
                name='second.example.org',
                uuid=records.OTHER_UUID,
                computes=(conf(host='vc-2'),),
            ),
        ],
    )


SERVICES = {
    'in order': (cloud(), []),
    'an aggregate and its host that cannot be judged': (
        cloud(
            hosts=[KVM, nova(state='down')],
            aggregates=[ODD, *cloud().aggregates()],
        ),
        [
            (VCenterCheck.COMPUTE_DOWN, MINE, 'vc-1'),
            (VCenterCheck.NOT_JUDGED, '', 'aggregate odd'),
            (VCenterCheck.NOT_JUDGED, '', 'kvm-1'),
        ],
    ),
    'a cluster that cannot be judged, after what is found before': (
        cloud(
            hosts=[nova(state='down')],
            vcenters=[
                vcenter(
                    cluster(
                        drs='off',
                        hosts=records.hosts({'adapters': Unforeseen()}),
                    )
                )
            ],
        ),
        [
            (VCenterCheck.COMPUTE_DOWN, MINE, 'vc-1'),
            (VCenterCheck.DRS_OFF, MINE, ''),
            (VCenterCheck.NOT_JUDGED, MINE, ''),
        ],
    ),
    'down': (
        with_nova(state='down'),
        [(VCenterCheck.COMPUTE_DOWN, MINE, 'vc-1')],
    ),
    'a KVM host down': (
        cloud(hosts=[nova(), cloud_of_records.kvm('kvm-1', state='down')]),
        [],
    ),
    'disabled': (
        with_nova(status='disabled', disabled_reason='repair'),
        [(VCenterCheck.COMPUTE_DISABLED, MINE, 'vc-1')],
    ),
    'disabled without a reason': (
        with_nova(status='disabled'),
        [(VCenterCheck.COMPUTE_DISABLED, MINE, 'vc-1')],
    ),
    'disabled by the driver': (
        with_nova(
            status='disabled', disabled_reason=DISABLED_BY_VSPHERE_DRIVER
        ),
        [(VCenterCheck.COMPUTE_DISABLED_BY_DRIVER, MINE, 'vc-1')],
    ),
    # The driver leaves its reason where it enables the service again.
    'enabled again': (
        with_nova(disabled_reason=DISABLED_BY_VSPHERE_DRIVER),
        [],
    ),
    'down and disabled': (
        with_nova(state='down', status='disabled'),
        [
            (VCenterCheck.COMPUTE_DISABLED, MINE, 'vc-1'),
            (VCenterCheck.COMPUTE_DOWN, MINE, 'vc-1'),
        ],
    ),
    # Only its aggregate tells what it is.
    'down and never started': (
        cloud(
            hosts=[
                nova(),
                nova('vc-9', node='', hypervisor_type=None, state='down'),
            ],
            aggregates=[
                Aggregate('a', 'a-1', {'hypervisor_type': 'vmware'}, ('vc-9',))
            ],
        ),
        [
            (VCenterCheck.CLUSTER_NOT_SERVED, '', 'vc-9'),
            (VCenterCheck.COMPUTE_DOWN, '', 'vc-9'),
        ],
    ),
    # The names of a written cloud's nodes are those of its hosts.
    'a KVM host in the wrong aggregate': (
        cloud(
            hosts=[nova(), Host('kvm-1', '', 'QEMU')],
            aggregates=[
                Aggregate(
                    'a', 'a-1', {'hypervisor_type': 'vmware'}, ('kvm-1',)
                )
            ],
        ),
        [],
    ),
    # One that was made anew leaves the node of the old one behind.
    'down with two compute nodes': (
        cloud(
            hosts=[
                nova(state='down'),
                nova(state='down', moid='domain-c1008'),
            ],
            vcenters=[vcenter(other_clusters={'domain-c1008': 'old'})],
        ),
        [(VCenterCheck.COMPUTE_DOWN, MINE, 'vc-1')],
    ),
}

PLACES = {
    'an unknown host': (
        with_aggregate('vc-1', 'vc-9', hypervisor_type='vmware'),
        [(VCenterCheck.CLUSTER_NOT_SERVED, '', 'vc-9')],
    ),
    'an unknown host by the other key': (
        with_aggregate('vc-9', img_hv_type='ESXi'),
        [(VCenterCheck.CLUSTER_NOT_SERVED, '', 'vc-9')],
    ),
    'an unknown host of KVM': (
        with_aggregate('kvm-9', hypervisor_type='kvm'),
        [],
    ),
    # Nobody can tell which of both it is.
    'an unknown host of either': (
        with_aggregate('vc-9', hypervisor_type='kvm,vmware'),
        [],
    ),
    'two compute nodes': (
        cloud(hosts=[nova(), nova('vc-2')]),
        [(VCenterCheck.CLUSTER_SERVED_TWICE, MINE, '')],
    ),
    'two files': (
        with_files(conf(), conf(file='other.conf', host='vc-2')),
        [(VCenterCheck.CLUSTER_SERVED_TWICE, MINE, '')],
    ),
    'two files of one nova-compute': (
        with_files(conf(), conf(file='other.conf')),
        [],
    ),
    # As where the host is left to be the machine's name.
    'two files of which one has no host': (
        with_files(conf(), conf(file='other.conf', host='')),
        [],
    ),
    'a file beside that names no cluster': (
        with_files(conf(), conf(file='all.conf', host='vc-9', cluster='')),
        [],
    ),
    'no compute node': (
        cloud(hosts=[KVM], aggregates=[]),
        [(VCenterCheck.CLUSTER_NOT_SERVED, MINE, '')],
    ),
    'no compute node of a cluster that no file names': (
        cloud(
            hosts=[KVM],
            aggregates=[],
            vcenters=[
                vcenter(cluster(drs='off'), computes=(conf(cluster=''),))
            ],
        ),
        [],
    ),
    'a compute node that no file names': (
        cloud(
            hosts=[nova(), TEST_NODE],
            vcenters=[vcenter(cluster(), TEST, computes=(conf(cluster=''),))],
        ),
        [(VCenterCheck.DRS_OFF, 'test', '')],
    ),
    'a compute node of another vCenter': (
        cloud(hosts=[nova(), nova('vc-2', uuid=records.OTHER_UUID)]),
        [(VCenterCheck.COMPUTE_NOT_CHECKED, '', 'vc-2')],
    ),
    'a compute node of a cluster that is gone': (
        cloud(hosts=[nova(), TEST_NODE]),
        [(VCenterCheck.CLUSTER_NOT_FOUND, '', 'vc-2')],
    ),
    'a compute node of a cluster that is not read': (
        cloud(
            hosts=[nova(), TEST_NODE],
            vcenters=[vcenter(other_clusters={'domain-c1008': 'test'})],
        ),
        [],
    ),
    'a name that vCenter does not have': (
        with_files(conf(), conf(host='vc-3', cluster='lost')),
        [(VCenterCheck.CLUSTER_NOT_FOUND, 'lost', 'vc-3')],
    ),
    'a vCenter that cannot be read': (
        cloud(
            vcenters=[
                records.VCenter('v', error='no answer', computes=(conf(),))
            ]
        ),
        [
            (VCenterCheck.COMPUTE_NOT_CHECKED, '', 'vc-1'),
            (VCenterCheck.VCENTER_UNREADABLE, '', ''),
        ],
    ),
    'a certificate that is not verified': (
        cloud(vcenters=[vcenter(verified=False)]),
        [(VCenterCheck.TLS_UNVERIFIED, '', '')],
    ),
    'a password that everybody may read': (
        with_files(conf(open_to_all=True)),
        [(VCenterCheck.PASSWORD_OPEN, '', conf().file)],
    ),
    'two vCenters': (two_vcenters(), []),
    'two vCenters of which one is wrong': (
        two_vcenters(ha=False),
        [(VCenterCheck.HA_OFF, MINE, '')],
    ),
    'one vCenter by two names': (
        cloud(
            vcenters=[
                vcenter(cluster(ha=False)),
                vcenter(cluster(ha=False), name='192.0.2.1'),
            ]
        ),
        [(VCenterCheck.HA_OFF, MINE, '')],
    ),
    'two files that call one vCenter by two names': (
        cloud(
            vcenters=[
                vcenter(),
                vcenter(name='192.0.2.1', computes=(conf(host='vc-2'),)),
            ]
        ),
        [(VCenterCheck.CLUSTER_SERVED_TWICE, MINE, '')],
    ),
    'no vCenter at all': (
        cloud(vcenters=[]),
        [(VCenterCheck.COMPUTE_NOT_CHECKED, '', 'vc-1')],
    ),
}

CASES = {
    f'{part}: {name}': case
    for part, cases in (
        ('services', SERVICES),
        ('places', PLACES),
    )
    for name, case in cases.items()
}


@pytest.mark.parametrize(
    ('source', 'expected'), CASES.values(), ids=CASES.keys()
)
def test_a_cloud(source, expected):
    assert found(source) == expected


@pytest.mark.parametrize('unclassified', ['reported', 'any', 'none'])
def test_what_an_aggregate_without_a_tag_names_is_left_alone(unclassified):
    source = with_aggregate('vc-1', 'vc-9', availability_zone='z')
    policy = Policy(unclassified_hosts=unclassified)
    assert found(source, policy=policy) == []


def test_a_finding_is_of_the_vcenter_that_it_is_in():
    source = two_vcenters(ha=False, vms=records.vms(1))
    assert {
        (finding.about.vcenter, finding.check)
        for finding in health.check(source, Policy(), None)
    } == {
        ('second.example.org', VCenterCheck.HA_OFF),
        ('second.example.org', VCenterCheck.VM_WITHOUT_SERVER),
    }


@pytest.mark.parametrize(
    ('source', 'evidence'),
    [
        (
            with_nova(state='down'),
            'last heard: 2026-11-02T07:59:52+00:00',
        ),
        (
            with_nova(state='down', last_seen=''),
            'last heard: never, or long ago',
        ),
        (with_nova(status='disabled'), 'no reason given'),
        (
            with_nova(status='disabled', disabled_reason='repair'),
            'repair',
        ),
        (cloud(hosts=[nova(), nova('vc-2')]), 'by vc-1, vc-2'),
        (
            with_files(
                conf(),
                conf(file='f', cluster='lost'),
                other_clusters={'domain-c9': 'a'},
            ),
            'f names it; vCenter shows: a, production',
        ),
    ],
)
def test_evidence(source, evidence):
    (finding,) = health.check(source, Policy(), None)
    assert finding.evidence == evidence
