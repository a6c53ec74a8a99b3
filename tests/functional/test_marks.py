# SPDX-License-Identifier: Apache-2.0
"""A cloud that is brought back to how it was is as good as a new one.

Other tests share clouds by this: what it leaves behind would be theirs.
"""

import pytest
from nova import context
from nova import exception
from nova import objects
from nova.conf import CONF
from nova.db.api import api as api_database
from nova.scheduler.client import report
from nova.virt import fake

from testbed.embedded_cloud.databases import Databases

OURS = 'hypervisor_affinity'


@pytest.fixture
def cloud(start_cloud):
    """A cloud with something of each kind, but for servers."""
    cloud = start_cloud()
    for number in (1, 2):
        cloud.add_kvm_host(f'kvm-{number}')
        cloud.add_vcenter_host(f'vc-{number}')
    cloud.hosts.disable('vc-2', 'before')
    cloud.kvm = cloud.aggregates.create(
        'kvm',
        hosts=['kvm-1', 'kvm-2'],
        metadata={'hypervisor_type': 'kvm'},
        availability_zone='az-1',
    )
    cloud.spare = cloud.aggregates.create('spare', hosts=['vc-2'])
    cloud.image = cloud.images.create('iso', 'iso')
    cloud.volume = cloud.volumes.create()
    cloud.servers.create_group('before', 'affinity')
    cloud.set_options({OURS: {'tell_user': False}})
    return cloud


def shown(cloud):
    """Return what shows of a cloud, but for times."""
    get = cloud.admin_api.get
    services = get('/os-services')['services']
    for service in services:
        del service['updated_at']
    nodes = objects.ComputeNodeList.get_all(context.get_admin_context())
    ask = report.report_client_singleton().get
    return {
        'servers': get('/servers/detail?all_tenants=1'),
        'flavors': get('/flavors/detail'),
        'groups': get('/os-server-groups?all_projects=1'),
        'aggregates': [
            (aggregate, aggregate.metadata)
            for aggregate in cloud.aggregates.all()
        ],
        'zones': get('/os-availability-zone'),
        'migrations': get('/os-migrations'),
        'services': services,
        'nodes': [
            (node.host, node.vcpus_used, node.memory_mb_used, node.stats)
            for node in nodes
        ],
        'placement': [
            ask(f'/resource_providers/{node.uuid}/{what}', '1.6').json()[what]
            for node in nodes
            for what in ('usages', 'traits')
        ],
        'images': cloud.user_api.at('2.1').get('/images/detail'),
        'volume': cloud.volumes.get_as_nova_sees(cloud.volume),
        'options': (CONF.host, dict(CONF[OURS])),
        'logs': cloud.logs.lines(),
        'guests': cloud.hosts.spawned(),
    }


def boot_where_drivers_fail(cloud, monkeypatch):
    def spawn(*args, **kwargs):
        raise exception.NovaException('by the test')

    with monkeypatch.context() as patch:
        patch.setattr(fake.FakeDriver, 'spawn', spawn)
        server = cloud.boot(cloud.image)
    assert server.status == 'ERROR'


def use(cloud, monkeypatch):
    """Do to a cloud what tests do, and leave all of it behind."""
    image, actions = cloud.image, cloud.actions
    # While there are no servers, or nova refuses.
    cloud.aggregates.set_metadata(cloud.kvm, {'availability_zone': 'az-2'})
    cloud.aggregates.remove_host(cloud.spare, 'vc-2')
    cloud.aggregates.create(
        'vmware', hosts=['vc-1'], metadata={'hypervisor_type': 'vmware'}
    )
    boot_where_drivers_fail(cloud, monkeypatch)
    group = cloud.servers.create_group('apart', 'anti-affinity')
    small = cloud.flavors.create('small', memory_mb=512)
    resized, shelved, evacuated = (
        cloud.boot(image, host='kvm-1', flavor=small) for _ in range(3)
    )
    cloud.boot(volume=cloud.volume, host='vc-1', hints={'group': group})
    large = cloud.flavors.create('large', memory_mb=2048)
    assert actions.resize(resized, large).succeeded
    assert actions.shelve(shelved).succeeded
    cloud.hosts.enable('vc-2')
    cloud.hosts.disable('vc-1')
    wrong = cloud.images.create('wrong', 'vdi')
    assert not cloud.boot(wrong, host='vc-2').active
    cloud.hosts.fail('kvm-1')
    outcome = actions.evacuate(evacuated)
    assert outcome.succeeded, outcome.error
    cloud.aggregates.set_metadata(cloud.kvm, {'hypervisor_type': 'xen'})
    cloud.set_options(
        {OURS: {'tell_user': True, 'flexible_placement': 'strict'}}
    )


def test_all_that_tests_do_is_undone(cloud, monkeypatch):
    mark = cloud.mark()
    before = shown(cloud)
    for _ in range(2):
        use(cloud, monkeypatch)
        after = shown(cloud)
        unchanged = [name for name in before if before[name] == after[name]]
        assert unchanged == []
        mark.restore()
        assert shown(cloud) == before
    # Nor does it only look so.
    servers = cloud.boot_many(cloud.image, count=4, availability_zone='az-1')
    assert {server.host for server in servers} == {'kvm-1', 'kvm-2'}
    assert {server.availability_zone for server in servers} == {'az-1'}
    assert cloud.actions.cold_migrate(servers[0]).succeeded
    vmdk = cloud.images.create('vmdk', 'vmdk')
    assert cloud.boot(vmdk).host == 'vc-1'


def test_a_scheduler_says_again_what_the_one_before_has_said(cloud):
    cloud.aggregates.set_metadata(cloud.kvm, {'hypervisor_type': 'kvm,vmwrae'})
    mark = cloud.mark()
    for _ in range(2):
        cloud.boot(cloud.image)
        assert len(cloud.logs.messages(OURS, containing='vmwrae')) == 1
        mark.restore()


def test_what_is_under_way_is_waited_for(cloud):
    mark = cloud.mark()
    before = shown(cloud)
    cloud.servers.submit(cloud.image, count=5)
    mark.restore()
    assert shown(cloud) == before


def test_a_cloud_with_servers_gets_no_mark(cloud):
    cloud.boot(cloud.image)
    with pytest.raises(RuntimeError, match='servers'):
        cloud.mark()


def test_hosts_that_were_added_are_not_undone(cloud):
    mark = cloud.mark()
    cloud.add_kvm_host('kvm-3')
    with pytest.raises(RuntimeError, match='hosts were added'):
        mark.restore()


@pytest.mark.parametrize(
    ('change', 'named'),
    [
        ('DELETE FROM aggregate_hosts', 'the scheduler'),
        ('UPDATE flavors SET vcpus = 7', 'api.flavors'),
    ],
)
def test_a_cloud_that_did_not_come_back_is_no_good(
    cloud, monkeypatch, change, named
):
    mark = cloud.mark()
    put_back = Databases.put_back

    def put_back_badly(*args):
        put_back(*args)
        with api_database.get_engine().begin() as connection:
            connection.exec_driver_sql(change)

    monkeypatch.setattr(Databases, 'put_back', put_back_badly)
    with pytest.raises(RuntimeError, match=f'not as it was: .*{named}'):
        mark.restore()
