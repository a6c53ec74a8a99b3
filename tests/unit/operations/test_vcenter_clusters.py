# SPDX-License-Identifier: Apache-2.0
"""What of a cluster is a finding, beside the nearest that is none."""

import pytest

from hypervisor_affinity.operations.findings import Severity
from hypervisor_affinity.operations.vcenter import clusters
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from tests import vcenter_records as records
from tests.vcenter_records import MEMORY
from tests.vcenter_records import MHZ
from tests.vcenter_records import cluster
from tests.vcenter_records import conf
from tests.vcenter_records import datastore
from tests.vcenter_records import hosts

MAINTENANCE = {'maintenance': True}
DISCONNECTED = {'connection': 'disconnected'}
MISSING = {'connection': 'notResponding'}
STANDBY = {'power': 'standBy'}
TWO = records.NAMES[:2]
IN_ORDER = cluster()


def one_adapter(*services):
    return {'adapters': {'vmk0': services}}


def shared_and(name, **fields):
    """Return a cluster with one datastore more."""
    return cluster(datastores=(datastore(), datastore(name, **fields)))


# {what it is: the cluster, what is found}
CASES = {
    'in order': (IN_ORDER, []),
    'DRS off': (cluster(drs='off'), [(VCenterCheck.DRS_OFF, '')]),
    'DRS manual': (cluster(drs='manual'), [(VCenterCheck.DRS_MANUAL, '')]),
    'DRS partially automated': (
        cluster(drs='partially_automated'),
        [(VCenterCheck.DRS_PARTIALLY_AUTOMATED, '')],
    ),
    'DRS fully automated': (cluster(drs='fully_automated'), []),
    'HA off': (cluster(ha=False), [(VCenterCheck.HA_OFF, '')]),
    'a host in maintenance': (
        cluster(hosts=hosts(MAINTENANCE)),
        [(VCenterCheck.HOST_IN_MAINTENANCE, 'esxi-3')],
    ),
    'a host disconnected': (
        cluster(hosts=hosts(DISCONNECTED)),
        [(VCenterCheck.HOST_DISCONNECTED, 'esxi-3')],
    ),
    'a host not responding': (
        cluster(hosts=hosts(MISSING)),
        [(VCenterCheck.HOST_DISCONNECTED, 'esxi-3')],
    ),
    # What was on when it was lost is not its trouble.
    'a host in maintenance not responding': (
        cluster(hosts=hosts({**MISSING, **MAINTENANCE})),
        [(VCenterCheck.HOST_DISCONNECTED, 'esxi-3')],
    ),
    'a host in standby': (
        cluster(hosts=hosts(STANDBY)),
        [(VCenterCheck.HOST_IN_STANDBY, 'esxi-3')],
    ),
    # vCenter hears nothing of it, as is to be.
    'a host in standby not responding': (
        cluster(hosts=hosts({**STANDBY, **MISSING})),
        [(VCenterCheck.HOST_IN_STANDBY, 'esxi-3')],
    ),
    'all hosts out of service': (
        cluster(hosts=hosts(MAINTENANCE, DISCONNECTED, MISSING)),
        [
            (VCenterCheck.HOST_DISCONNECTED, 'esxi-2'),
            (VCenterCheck.HOST_DISCONNECTED, 'esxi-3'),
            (VCenterCheck.HOST_IN_MAINTENANCE, 'esxi-1'),
            (VCenterCheck.NO_USABLE_HOST, ''),
        ],
    ),
    'no host': (
        cluster(hosts=(), datastores=(datastore(hosts=()),)),
        [(VCenterCheck.NO_USABLE_HOST, '')],
    ),
    'one host left': (
        cluster(hosts=hosts(MAINTENANCE, MAINTENANCE)),
        [
            (VCenterCheck.CAPACITY_BELOW_N_PLUS_1, ''),
            (VCenterCheck.HOST_IN_MAINTENANCE, 'esxi-2'),
            (VCenterCheck.HOST_IN_MAINTENANCE, 'esxi-3'),
        ],
    ),
    # To nowhere could anything move, so that vMotion is not missed.
    'a lone host': (
        cluster(
            hosts=hosts(
                {'adapters': {'vmk0': ('management',), 'vmk1': ()}},
                names=['esxi-1'],
            )
        ),
        [(VCenterCheck.CAPACITY_BELOW_N_PLUS_1, '')],
    ),
    'memory for all but one host': (
        cluster(running_memory_mb=2 * MEMORY),
        [],
    ),
    'too little memory without a host': (
        cluster(running_memory_mb=2 * MEMORY + 1),
        [(VCenterCheck.CAPACITY_BELOW_N_PLUS_1, '')],
    ),
    'memory without the largest host': (
        cluster(
            hosts=hosts({'memory_mb': 9 * MEMORY}),
            running_memory_mb=2 * MEMORY,
        ),
        [],
    ),
    'too little memory without the largest host': (
        cluster(
            hosts=hosts({'memory_mb': 9 * MEMORY}),
            running_memory_mb=2 * MEMORY + 1,
        ),
        [(VCenterCheck.CAPACITY_BELOW_N_PLUS_1, '')],
    ),
    'no memory of hosts in maintenance': (
        cluster(hosts=hosts(MAINTENANCE), running_memory_mb=MEMORY + 1),
        [
            (VCenterCheck.CAPACITY_BELOW_N_PLUS_1, ''),
            (VCenterCheck.HOST_IN_MAINTENANCE, 'esxi-3'),
        ],
    ),
    'CPU for all but one host': (
        cluster(hosts=hosts({'cpu_used_mhz': MHZ}, {'cpu_used_mhz': MHZ})),
        [],
    ),
    'too little CPU without a host': (
        cluster(hosts=hosts({'cpu_used_mhz': MHZ}, {'cpu_used_mhz': MHZ + 1})),
        [(VCenterCheck.CAPACITY_BELOW_N_PLUS_1, '')],
    ),
    'too little of both': (
        cluster(
            hosts=hosts({'cpu_used_mhz': 2 * MHZ + 1}),
            running_memory_mb=2 * MEMORY + 1,
        ),
        [
            (VCenterCheck.CAPACITY_BELOW_N_PLUS_1, ''),
            (VCenterCheck.CAPACITY_BELOW_N_PLUS_1, ''),
        ],
    ),
    'no datastore': (
        cluster(datastores=()),
        [(VCenterCheck.NO_DATASTORE, '')],
    ),
    'a datastore of no type of novas': (
        cluster(datastores=(datastore(type='VVOL'),)),
        [(VCenterCheck.NO_DATASTORE, '')],
    ),
    'a local disk of no type of novas': (
        shared_and('local-1', type='OTHER', hosts=('esxi-1',)),
        [],
    ),
    **{
        f'a datastore of type {kind}': (
            cluster(datastores=(datastore(type=kind),)),
            [],
        )
        for kind in ('VMFS', 'NFS', 'NFS41', 'vsan')
    },
    'a local disk': (
        shared_and('local-1', hosts=('esxi-1',)),
        [(VCenterCheck.DATASTORE_NOT_SHARED, 'local-1')],
    ),
    'a datastore that a disconnected host lacks': (
        cluster(hosts=hosts(DISCONNECTED), datastores=(datastore(hosts=TWO),)),
        [(VCenterCheck.HOST_DISCONNECTED, 'esxi-3')],
    ),
    'a datastore that a host in maintenance lacks': (
        cluster(hosts=hosts(MAINTENANCE), datastores=(datastore(hosts=TWO),)),
        [
            (VCenterCheck.DATASTORE_NOT_SHARED, 'shared-1'),
            (VCenterCheck.HOST_IN_MAINTENANCE, 'esxi-3'),
        ],
    ),
    'a datastore that no host reaches': (
        shared_and('shared-2', accessible=False, hosts=()),
        [(VCenterCheck.DATASTORE_UNAVAILABLE, 'shared-2')],
    ),
    'a datastore that goes into maintenance': (
        shared_and('shared-2', maintenance='enteringMaintenance'),
        [(VCenterCheck.DATASTORE_UNAVAILABLE, 'shared-2')],
    ),
    'no datastore but one in maintenance': (
        cluster(datastores=(datastore(maintenance='inMaintenance'),)),
        [
            (VCenterCheck.DATASTORE_UNAVAILABLE, 'shared-1'),
            (VCenterCheck.NO_DATASTORE, ''),
        ],
    ),
    # As of hosts that vCenter never reached.
    'no adapters known': (cluster(hosts=hosts({'adapters': {}})), []),
    'one adapter for all': (
        cluster(hosts=hosts(one_adapter('management', 'vmotion'))),
        [(VCenterCheck.STORAGE_NETWORK_SHARED, 'esxi-3')],
    ),
    'management on every adapter': (
        cluster(
            hosts=hosts(
                {
                    'adapters': {
                        'vmk0': ('management', 'vmotion'),
                        'vmk1': ('management',),
                    }
                }
            )
        ),
        [(VCenterCheck.STORAGE_NETWORK_SHARED, 'esxi-3')],
    ),
    # Storage may have it.
    'an adapter with no service': (
        cluster(
            hosts=hosts(
                {'adapters': {'vmk0': ('management', 'vmotion'), 'vmk1': ()}}
            )
        ),
        [],
    ),
    'no vMotion': (
        cluster(
            hosts=hosts({'adapters': {'vmk0': ('management',), 'vmk1': ()}})
        ),
        [(VCenterCheck.VMOTION_MISSING, 'esxi-3')],
    ),
    'one adapter for management only': (
        cluster(hosts=hosts(one_adapter('management'))),
        [
            (VCenterCheck.STORAGE_NETWORK_SHARED, 'esxi-3'),
            (VCenterCheck.VMOTION_MISSING, 'esxi-3'),
        ],
    ),
    'the adapters of a disconnected host': (
        cluster(hosts=hosts({**DISCONNECTED, **one_adapter('management')})),
        [(VCenterCheck.HOST_DISCONNECTED, 'esxi-3')],
    ),
    'a network of NSX that a host lacks': (
        cluster(hosts=hosts({'nsx_networks': ()})),
        [(VCenterCheck.NSX_UNEVEN, 'esxi-3')],
    ),
    'a network of NSX that one host has': (
        cluster(hosts=hosts({'nsx_networks': ('other', 'segment')})),
        [
            (VCenterCheck.NSX_UNEVEN, 'esxi-1'),
            (VCenterCheck.NSX_UNEVEN, 'esxi-2'),
        ],
    ),
    'a network of NSX that a disconnected host lacks': (
        cluster(hosts=hosts({**DISCONNECTED, 'nsx_networks': ()})),
        [(VCenterCheck.HOST_DISCONNECTED, 'esxi-3')],
    ),
    'a network of NSX that a disconnected host has': (
        cluster(hosts=hosts({**DISCONNECTED, 'nsx_networks': ('other',)})),
        [(VCenterCheck.HOST_DISCONNECTED, 'esxi-3')],
    ),
    'no NSX': (cluster(hosts=hosts(*[{'nsx_networks': ()}] * 3)), []),
}


def check(one, *computes):
    return list(clusters.check(records.vcenter(one), one, computes))


@pytest.mark.parametrize(('one', 'expected'), CASES.values(), ids=CASES.keys())
def test_a_cluster(one, expected):
    found = check(one, conf())
    assert sorted((f.check, f.about.subject) for f in found) == expected
    assert {(f.about.vcenter, f.about.cluster) for f in found} <= {
        ('vcenter.example.org', 'production')
    }


@pytest.mark.parametrize(
    ('names', 'regexes', 'selected'),
    [
        pytest.param(['a', 'b'], [None], ['a', 'b'], id='none'),
        pytest.param(['a', 'b'], ['a'], ['a'], id='one'),
        pytest.param(['ab', 'ba'], ['a'], ['ab'], id='beginning'),
        pytest.param(['ab', 'ba'], ['.*a'], ['ab', 'ba'], id='any place'),
        pytest.param(['a', 'ab'], ['a$'], ['a'], id='end'),
        pytest.param(['a', 'b', 'c'], ['a', 'b'], ['a', 'b'], id='two files'),
        pytest.param(['a', 'b'], ['a', None], ['a', 'b'], id='one has none'),
        pytest.param(['a'], ['b'], [], id='nothing'),
        pytest.param(['a'], ['a{99999999999}'], [], id='too many times'),
        # A cluster that no file names is none that nova may use.
        pytest.param(['a'], [], [], id='no file'),
    ],
)
def test_datastores_that_the_files_select(names, regexes, selected):
    one = cluster(datastores=tuple(map(datastore, names)))
    computes = [conf(datastore_regex=regex) for regex in regexes]
    novas = clusters.for_nova(one, computes)
    assert [found.name for found in novas] == selected
    found = {finding.check for finding in check(one, *computes)}
    assert found == (set() if selected else {VCenterCheck.NO_DATASTORE})


def test_what_is_not_selected_may_be_as_it_is():
    one = shared_and('local-1', hosts=('esxi-1',), accessible=False)
    assert check(one, conf(datastore_regex='shared-')) == []


@pytest.mark.parametrize(
    ('one', 'evidence'),
    [
        (
            shared_and('shared-2', hosts=('esxi-1',)),
            'not on esxi-2, esxi-3, of 3 hosts',
        ),
        (
            cluster(
                hosts=hosts(names='abcde'),
                datastores=(datastore(hosts=('a',)),),
            ),
            'not on b, c, d and 1 more, of 5 hosts',
        ),
        (
            cluster(datastores=(datastore('local-1'),)),
            "datastores: local-1; datastore_regex: 'shared-'",
        ),
        (
            cluster(datastores=()),
            "datastores: none at all; datastore_regex: 'shared-'",
        ),
        (
            cluster(running_memory_mb=2 * MEMORY + 1),
            'VMs take 131073 MiB of memory; without its largest host the '
            'cluster has 131072',
        ),
        (
            cluster(hosts=hosts({'adapters': {'v0': ('a', 'b'), 'v1': ()}})),
            'v0 (a b), v1 (no service)',
        ),
    ],
)
def test_evidence(one, evidence):
    (finding,) = check(one, conf(datastore_regex='shared-'))
    assert finding.evidence == evidence


# Errors are what breaks servers, or the placing of them, now or at the next
# step of nova's; warnings what does so at the next mishap.
_ERRORS = """
    cluster_not_found cluster_not_served cluster_served_twice compute_down
    compute_disabled_by_driver datastore_not_shared drs_manual drs_off
    no_datastore no_usable_host server_without_vm vcenter_unreadable
    vm_of_server_elsewhere
"""
_WARNINGS = """
    capacity_below_n_plus_1 compute_disabled datastore_unavailable
    drs_partially_automated ha_off host_disconnected inventory_differs
    not_judged nsx_uneven password_open server_in_other_cluster
    tls_unverified vm_of_server_on_no_host vm_without_server vmotion_missing
"""
_INFOS = """
    compute_not_checked host_in_maintenance host_in_standby
    no_host_has_max_unit storage_network_shared
"""


def test_severities_are_as_promised():
    promised = {
        code: severity
        for severity, codes in (
            (Severity.ERROR, _ERRORS),
            (Severity.WARNING, _WARNINGS),
            (Severity.INFO, _INFOS),
        )
        for code in codes.split()
    }
    assert {c.value: c.severity for c in VCenterCheck} == promised


def test_an_expression_that_is_none_selects_no_datastore():
    """A file is refused with one; a snapshot that holds one is judged."""
    (finding,) = check(cluster(), conf(datastore_regex='('))
    assert finding.check is VCenterCheck.NO_DATASTORE
    assert finding.evidence.endswith("; datastore_regex: '('")
