# SPDX-License-Identifier: Apache-2.0
"""A whole cloud whose programs are killed, and aggregates changed, at work.

Whatever happens: no server is on a hypervisor that is not for it, each is
ACTIVE or says why not, another try succeeds, and in the end Placement has
allocated what nova's servers take, and nothing else.
"""

import itertools

import pytest

pytest.importorskip('keystone', reason='the extra `cloud` is not installed')

from testbed.processes import allocations
from testbed.processes import polling
from testbed.processes.boots import Boots
from tests.whole_cloud.tenant import disabled

EACH = 4
TRIES = 3
# Who had a message that nobody has any more. nova's servers then stay in
# BUILD until somebody deletes them.
LOSES = {
    'nova-conductor-1',
    'rabbitmq',
    'mariadb',
    'nova-compute-vc-1',
    'vcenter',
}
# A nova-compute that finds, when it is started again, a server that it was
# about to boot puts it into ERROR, and says why in its log only.
SAYS_NOTHING = {'nova-compute-vc-1', 'vcenter'}
# Between that a host was allocated and that nova has a server for it.
LEAVES_ORPHANS = {
    'nova-conductor-1',
    'nova-scheduler-1',
    'rabbitmq',
    'mariadb',
    'placement-api',
}


@pytest.fixture
def boots(whole_cloud):
    with Boots(whole_cloud) as boots:
        yield boots
        # Whatever a test left undone.
        whole_cloud.up()


@pytest.fixture
def one_vcenter(whole_cloud):
    """Leave VMware to the host with nova's own driver."""
    with disabled(whole_cloud, 'vc-2'):
        yield


def unexplained(boots, lost):
    """Return those of which nobody says why they are not ACTIVE."""
    return [
        boot
        for boot in boots.all
        if boot not in lost
        and boot.status != 'ACTIVE'
        and not (boot.error or boot.server.fault)
    ]


def try_again(boots):
    """Ask anew for what is not ACTIVE, as its owner would."""
    wanted = [boot.image for boot in boots.all if boot.status != 'ACTIVE']
    for _ in range(TRIES):
        again = boots.begin(wanted)
        boots.settle()
        wanted = [boot.image for boot in again if boot.status != 'ACTIVE']
        if not wanted:
            break
    assert wanted == [], list(boots.all)


@pytest.mark.parametrize(
    'name',
    [
        'nova-scheduler-1',
        'nova-conductor-1',
        'rabbitmq',
        'mariadb',
        'placement-api',
        'nova-compute-vc-1',
        'vcenter',
    ],
)
@pytest.mark.usefixtures('one_vcenter')
def test_killed_at_work(whole_cloud, boots, name):
    boots.begin(['qcow2', 'vmdk', 'iso'] * EACH)
    boots.wait_for_accepted(2)
    assert boots.look(), 'there is nothing to do any more'
    whole_cloud.programs[name].kill()
    # As an operator does who finds that something has ended.
    whole_cloud.up()
    lost = boots.settle()
    silent = unexplained(boots, lost)
    if name in SAYS_NOTHING:
        silent = [boot for boot in silent if boot.image != 'vmdk']
    assert silent == []
    if name not in LOSES:
        assert lost == []
    try_again(boots)
    assert boots.misplaced() == []
    boots.delete()
    if name in LEAVES_ORPHANS and allocations.differences(whole_cloud):
        whole_cloud.remove_orphans()
    assert allocations.differences(whole_cloud) == []


def test_a_killed_scheduler_leaves_the_work_to_the_other(whole_cloud, boots):
    killed, other = (
        whole_cloud.programs[f'nova-scheduler-{number}'] for number in (1, 2)
    )
    killed.kill()
    try:
        boots.begin(['qcow2', 'vmdk', 'iso'] * EACH)
        assert boots.settle() == []
        assert other.pid
        assert {boot.status for boot in boots.all} == {'ACTIVE'}
        assert boots.misplaced() == []
    finally:
        killed.start()
        killed.wait()


@pytest.fixture
def aggregates(whole_cloud):
    """{name: id}; hosts and metadata are put back in the end."""
    compute = whole_cloud.admin.compute
    before = {
        aggregate.name: (aggregate.id, frozenset(aggregate.hosts))
        for aggregate in compute.aggregates()
    }
    yield {name: number for name, (number, _) in before.items()}
    for name, (number, hosts) in before.items():
        now = compute.get_aggregate(number).hosts
        for host in hosts.symmetric_difference(now):
            change = (
                compute.add_host_to_aggregate
                if host in hosts
                else compute.remove_host_from_aggregate
            )
            change(number, host)
        compute.set_aggregate_metadata(number, {'hypervisor_type': name})


def test_aggregates_change_at_work(whole_cloud, boots, aggregates):
    compute = whole_cloud.admin.compute
    kvm, vmware = aggregates['kvm'], aggregates['vmware']
    changes = itertools.cycle(
        [
            # A KVM host becomes no ESXi in the wrong aggregate,
            lambda: compute.remove_host_from_aggregate(kvm, 'kvm-2'),
            lambda: compute.add_host_to_aggregate(vmware, 'kvm-2'),
            # nor vCenter KVM by a wrong word,
            lambda: compute.set_aggregate_metadata(
                vmware, {'hypervisor_type': 'kvm'}
            ),
            # or by none.
            lambda: compute.set_aggregate_metadata(
                vmware, {'hypervisor_type': None}
            ),
            lambda: compute.set_aggregate_metadata(
                vmware, {'hypervisor_type': 'vmware'}
            ),
            lambda: compute.remove_host_from_aggregate(vmware, 'kvm-2'),
            lambda: compute.add_host_to_aggregate(kvm, 'kvm-2'),
        ]
    )
    boots.begin(['qcow2', 'vmdk', 'iso'] * 3 * EACH)

    def have_settled():
        next(changes)()
        return boots.are_answered() and not boots.look()

    polling.until(have_settled, 'the servers')
    assert unexplained(boots, []) == []
    assert boots.misplaced() == []
    assert boots.with_status('ACTIVE')
