# SPDX-License-Identifier: Apache-2.0
"""``hypervisor-affinity-status`` with nova's records and a vCenter's."""

import pytest
from nova.conf import CONF
from oslo_upgradecheck.upgradecheck import Code

from hypervisor_affinity import vcenter_conf
from hypervisor_affinity.status import commands
from hypervisor_affinity.status import statements
from hypervisor_affinity.status.deployment import Deployment
from testbed import example_conf
from testbed.processes import ports
from testbed.vcenter import inventory
from testbed.vcenter.inventory import GIB

# Fixtures, which pytest finds by their names.
from tests.functional.test_status_program import databases  # noqa: F401
from tests.functional.test_status_program import preloaded  # noqa: F401
from tests.functional.test_status_program import run_program  # noqa: F401
from tests.vcenter import conf_files
from tests.vcenter.administrator import Administrator

# As above.
from tests.vcenter.conftest import authority  # noqa: F401
from tests.vcenter.conftest import make_vcenter  # noqa: F401
from tests.vcenter.conftest import simulator_program  # noqa: F401
from tests.vcenter.conftest import start_vcenter  # noqa: F401

CHECKS = dict(commands.CHECKS)
# Of each ESXi host, in MiB, and of each cluster, in GiB.
MEMORY = 512 * 1024
THREADS = 64
DISK = 10_000
UUID = inventory.make_uuid('vcenter')


def check():
    """Return the result of the check."""
    return statements.to_result(CHECKS['vCenters'](Deployment(CONF)))


@pytest.fixture
def cloud(start_cloud):
    """A cloud of one KVM host and two vCenter hosts."""
    cloud = start_cloud()
    cloud.add_kvm_host('kvm-1')
    for name in ('vc-1', 'vc-2'):
        cloud.add_vcenter_host(
            name,
            esxi_hosts=2,
            vcpus_each=THREADS,
            memory_mb_each=MEMORY,
            disk_gb=DISK,
        )
    for family, hosts in (('kvm', ['kvm-1']), ('vmware', ['vc-1', 'vc-2'])):
        cloud.aggregates.create(
            family, hosts=hosts, metadata={'hypervisor_type': family}
        )
    cloud.boots = {
        'kvm': cloud.images.create('linux', 'qcow2'),
        'vmware': cloud.images.create(
            'windows', 'vmdk', properties={'hypervisor_type': 'vmware'}
        ),
    }
    return cloud


def described(nodes):
    """Return the vCenter that is behind these compute nodes, by host."""
    clusters, datastores = [], []
    for host, node in nodes.items():
        moid, _, uuid = node.partition('.')
        cluster = inventory.cluster(f'cluster-{host}', hosts=2, moid=moid)
        for esxi in cluster.hosts:
            esxi.hardware = inventory.Hardware(
                memory_bytes=MEMORY * 2**20, cpu_threads=THREADS
            )
            esxi.usage = inventory.Usage(0, 0)
            esxi.services['vsan'] = ['vmk2']
        clusters.append(cluster)
        datastores.append(
            inventory.datastore(
                f'shared-{host}', cluster.hosts, capacity_bytes=DISK * GIB
            )
        )
    return inventory.Inventory(
        instance_uuid=uuid, clusters=clusters, datastores=datastores
    )


def vm(server, host):
    """Return the VM that nova makes for a server."""
    return inventory.VM(
        f'{server.name} ({server.id})',
        f'cluster-{host}-esxi-01.example.org',
        f'shared-{host}',
        instance_uuid=server.id,
    )


@pytest.fixture
def vcenter(cloud, start_vcenter, tmp_path):  # noqa: F811
    """The vCenter of both hosts, which nova.conf names by two files."""
    started = start_vcenter(
        described(
            {name: cloud.hosts.get(name).node for name in ('vc-1', 'vc-2')}
        )
    )
    files = [
        conf_files.write(
            tmp_path / f'{name}.conf', started, cluster_name=f'cluster-{name}'
        )
        for name in ('vc-1', 'vc-2')
    ]
    vcenter_conf.register(CONF)
    cloud.set_options({vcenter_conf.GROUP: {'config_files': files}})
    return started


@pytest.fixture
def admin(vcenter):
    return Administrator(vcenter.connect())


@pytest.fixture
def servers(cloud, admin):
    """A server on each host; each on vCenter has its VM."""
    booted = {
        host: cloud.boot(cloud.boots[family], name=f'of-{host}', host=host)
        for host, family in (
            ('kvm-1', 'kvm'),
            ('vc-1', 'vmware'),
            ('vc-2', 'vmware'),
        )
    }
    assert {server.status for server in booted.values()} == {'ACTIVE'}
    for host in ('vc-1', 'vc-2'):
        admin.create_vm(vm(booted[host], host))
    return booted


def test_in_order(servers):
    result = check()
    assert (result.code, result.details) == (Code.SUCCESS, None)


def test_a_vm_that_was_destroyed_by_hand(servers, admin):
    lost = servers['vc-1']
    admin.destroy_vm(vm(lost, 'vc-1').name)
    result = check()
    assert result.code is Code.FAILURE
    assert result.details.startswith('server_without_vm (127.0.0.1')
    assert f'{lost.id}: nova has it on vc-1 (ACTIVE)' in result.details
    assert result.details.count('\n') == 0


def test_a_vm_that_was_moved_by_hand(servers, admin):
    moved = servers['vc-1']
    admin.destroy_vm(vm(moved, 'vc-1').name)
    admin.create_vm(vm(moved, 'vc-2'))
    result = check()
    assert 'server_in_other_cluster (' in result.details
    assert f'{moved.id}: nova has it on vc-1; its VM is in cluster-vc-2' in (
        result.details
    )


def test_a_vm_without_a_server(cloud, servers):
    left = servers['vc-2']
    cloud.servers.delete([left])
    result = check()
    assert result.code is Code.WARNING
    assert result.details.startswith('vm_without_server (')
    assert f'{left.id}: VM of-vc-2 ({left.id})' in result.details
    assert result.details.count('\n') == 0


def test_a_vm_of_a_server_on_a_kvm_host(servers, admin):
    twice = servers['kvm-1']
    admin.create_vm(vm(twice, 'vc-1'))
    result = check()
    assert result.code is Code.FAILURE
    assert result.details.startswith('vm_of_server_elsewhere (')
    assert f'{twice.id}: ' in result.details
    assert 'nova has the server on kvm-1 (ACTIVE)' in result.details
    assert result.details.count('\n') == 0


def test_a_server_that_is_shelved_needs_no_vm(cloud, servers, admin):
    shelved = servers['vc-1']
    admin.destroy_vm(vm(shelved, 'vc-1').name)
    assert cloud.actions.shelve(shelved).succeeded
    assert check().details is None


def test_a_cluster_that_is_not_as_it_should_be(vcenter, admin):
    admin.set_drs('cluster-vc-2', 'off')
    result = check()
    assert result.code is Code.FAILURE
    (line,) = result.details.splitlines()
    assert line.startswith('drs_off (127.0.0.1')
    assert 'cluster-vc-2): DRS is off' in line


def test_another_size_than_placement_has(vcenter, admin):
    admin.enter_maintenance('cluster-vc-1-esxi-02.example.org')
    details = check().details
    assert 'inventory_differs (127.0.0.1' in details
    assert (
        f'MEMORY_MB: Placement has {2 * MEMORY}, vCenter {MEMORY}' in details
    )


def test_services_are_for_another_check(cloud, vcenter):
    cloud.hosts.fail('vc-1')
    cloud.hosts.disable('vc-2')
    assert check().details is None


def test_a_vcenter_that_has_gone(cloud, vcenter):
    vcenter.stop()
    result = check()
    assert result.code is Code.FAILURE
    assert 'vcenter_unreadable (127.0.0.1' in result.details
    assert vcenter.password not in result.details


@pytest.mark.parametrize(
    'reaches',
    [
        pytest.param(lambda url: {}, id='not configured'),
        pytest.param(
            lambda url: {'auth_type': 'none', 'endpoint_override': url},
            id='not there',
        ),
        pytest.param(
            lambda url: {
                'auth_type': 'password',
                'auth_url': url,
                'username': 'nova',
                'password': 'secret',
                'user_domain_name': 'Default',
                'project_name': 'service',
                'project_domain_name': 'Default',
            },
            id='without Keystone',
        ),
    ],
)
def test_without_placement_the_rest_is_checked(
    run_program,  # noqa: F811
    start_vcenter,  # noqa: F811
    tmp_path,
    reaches,
):
    (closed,) = ports.free(1)
    started = start_vcenter(described({'vc-1': f'domain-c8.{UUID}'}))
    Administrator(started.connect()).set_drs('cluster-vc-1', 'manual')
    file = conf_files.write(
        tmp_path / 'vc-1.conf', started, cluster_name='cluster-vc-1'
    )
    code, outcomes, output = run_program(
        example_conf.PATH,
        options={
            'placement': reaches(f'http://127.0.0.1:{closed}'),
            vcenter_conf.GROUP: {'config_files': file},
        },
    )
    assert code == 2
    outcome, details = outcomes['vCenters']
    assert outcome is Code.FAILURE
    assert 'Inventories are not compared: Placement does not answer' in details
    assert 'drs_manual (' in details
    assert 'inventory_differs' not in details
    assert started.password not in output
    assert 'secret' not in output
