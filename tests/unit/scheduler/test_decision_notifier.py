# SPDX-License-Identifier: Apache-2.0
"""Records of decisions, as oslo.messaging is given them.

The driver is oslo.messaging's own for tests; the tests of a whole cloud have
a RabbitMQ, and end it.
"""

import json
import pathlib

import nova.conf
import pytest
from nova import context as nova_context
from nova import exception
from oslo_messaging.notify import _impl_test

from hypervisor_affinity.core.hypervisor import KVM
from hypervisor_affinity.decisions import record
from hypervisor_affinity.scheduler import demands
from hypervisor_affinity.scheduler import filters
from hypervisor_affinity.scheduler import moves
from testbed.processes.polling import until
from tests.unit.scheduler import nova_objects as build
from tests.unit.scheduler import prefilter
from tests.unit.scheduler.test_filters import kvm
from tests.unit.scheduler.test_filters import vcenter

PAGES = pathlib.Path(__file__).parents[3] / 'doc/source'
VMDK = {'disk_format': 'vmdk'}
QCOW2 = {'disk_format': 'qcow2'}


def sent(number=1):
    """Return what was sent, once it has come."""
    until(
        lambda: len(_impl_test.NOTIFICATIONS) >= number,
        'the records',
        seconds=10,
    )
    return [message for _, message, _, _ in _impl_test.NOTIFICATIONS]


def payload():
    """Return the one that was sent, which listeners can read."""
    (message,) = sent()
    found = message['payload']
    record.read(record.line(message['publisher_id'], 'm1', found))
    return found


def test_the_record_of_a_boot(messaging):
    one = filters.HypervisorAffinityFilter()
    context = nova_context.RequestContext(request_id='req-1')
    spec = build.request_spec(VMDK, project_id='p1')
    one.filter_all([kvm(), vcenter(), kvm('kvm-2')], spec)
    (message,) = sent()
    assert message['event_type'] == 'hypervisor_affinity.decision'
    assert message['publisher_id'] == f'nova-scheduler:{nova.conf.CONF.host}'
    assert message['priority'] == 'INFO'
    found = message['payload']
    assert json.loads(json.dumps(found)) == found
    assert found.pop('decided_at').endswith('+00:00')
    options = found.pop('options')
    assert options['mode'] == 'enforce'
    assert options['preferred_hypervisors'] == ['kvm', 'vmware']
    assert found == {
        'version': '1.0',
        'outcome': 'passed',
        'reason': 'suitable',
        'demand': {
            'text': 'image needs VMware (disk_format=vmdk)',
            'required': ['vmware'],
            'impossible': [],
            'flexible': False,
            'undetermined': False,
            'signs': [
                {'place': 'image', 'key': 'disk_format', 'value': 'vmdk'}
            ],
        },
        'hosts': {'other_hypervisor': 2, 'suitable': 1},
        'passed': 1,
        'modes': ['enforce'],
        'order': ['vmware'],
        'first_left': True,
        'request_id': context.request_id,
        'server': spec.instance_uuid,
        'project': 'p1',
        'kind': 'boot',
        'look_up': None,
    }


def test_the_page_shows_a_record(messaging):
    shown = json.loads((PAGES / 'decision.json').read_text())
    image = {
        sign['key']: sign['value']
        for sign in shown['payload']['demand']['signs']
    }
    assert image == {'vmware_ostype': 'ubuntu64Guest', **VMDK}
    states = [kvm(f'kvm-{number}') for number in range(18)]
    states += [vcenter('vc-1'), vcenter('vc-2')]
    filters.HypervisorAffinityFilter().filter_all(
        states, build.request_spec(image, project_id='p1')
    )
    (message,) = sent()
    for name in ('decided_at', 'request_id', 'server', 'project'):
        assert message['payload'].pop(name)
        assert shown['payload'].pop(name)
    assert message['payload'].pop('options').keys() == (
        shown['payload'].pop('options').keys()
    )
    assert message['payload'] == shown['payload']
    assert message['event_type'] == shown['event_type']
    assert message['priority'] == shown['priority']
    # The test driver sends no more than that and who sends it.
    assert set(message) <= set(shown) | {'_unique_id'}


def test_a_value_of_any_length_is_cut(messaging):
    image = {'disk_format': 'vmdk', 'vmware_ostype': 'x' * 65000 + 'Guest'}
    filters.HypervisorAffinityFilter().filter_all(
        [vcenter()], build.request_spec(image)
    )
    found = payload()
    values = {sign['value'] for sign in found['demand']['signs']}
    assert 'x' * 254 + '…' in values
    assert max(map(len, values)) == 255
    assert len(json.dumps(found)) < 5000


def test_no_host_and_no_aggregate_is_named(messaging):
    states = [kvm('secret-host', vmware_disktype='thin')]
    filters.HypervisorAffinityFilter().filter_all(
        states, build.request_spec({'vmware_disktype': 'sparse'})
    )
    text = json.dumps(payload())
    assert 'secret-host' not in text
    assert 'aggregate' not in text


@pytest.mark.parametrize(
    ('mode', 'outcome', 'passed'),
    [('enforce', 'refused', 0), ('observe', 'would_be_refused', 1)],
)
def test_a_refusal_in_both_modes(messaging, options, mode, outcome, passed):
    options(mode=mode)
    one = filters.HypervisorAffinityFilter()
    one.filter_all([kvm()], build.request_spec(VMDK))
    found = payload()
    assert found['outcome'] == outcome
    assert found['reason'] == 'other_hypervisor'
    assert found['passed'] == passed
    assert found['modes'] == [mode]
    assert found['first_left'] is False


def test_it_is_sent_before_the_user_is_told(messaging, options):
    options(tell_user=True)
    with pytest.raises(exception.NoValidHost):
        filters.HypervisorAffinityFilter().filter_all(
            [kvm()], build.request_spec(VMDK)
        )
    assert payload()['outcome'] == 'refused'


@pytest.mark.parametrize(
    ('families', 'look_up'),
    [
        (frozenset({KVM}), 'found'),
        (frozenset(), 'not_found'),
        (None, 'host_gone'),
    ],
)
def test_a_move_and_its_look_up(messaging, monkeypatch, families, look_up):
    monkeypatch.setattr(moves, 'origin', lambda spec: moves.Origin(families))
    filters.HypervisorAffinityFilter().filter_all(
        [kvm()], build.move_spec(QCOW2)
    )
    found = payload()
    assert found['kind'] == 'move'
    assert found['look_up'] == look_up
    assert found['demand']['undetermined'] == (look_up == 'not_found')


def test_a_rebuild(messaging):
    filters.HypervisorAffinityFilter().filter_all(
        [kvm()], build.rebuild_spec(QCOW2)
    )
    assert payload()['kind'] == 'rebuild'


def test_a_request_that_cannot_be_read(messaging, monkeypatch):
    def fail(*args):
        raise RuntimeError

    monkeypatch.setattr(demands, 'read_demand', fail)
    filters.HypervisorAffinityFilter().filter_all(
        [kvm()], build.request_spec(VMDK)
    )
    found = payload()
    assert found['reason'] == 'unreadable_request'
    assert found['kind'] == 'unreadable'
    assert found['project'] is None


def test_what_the_prefilter_refuses(messaging, start_prefilter):
    start_prefilter(decision_notifications=True)
    with pytest.raises(exception.NoValidHost):
        prefilter.ask(prefilter.boot(prefilter.IMPOSSIBLE))
    found = payload()
    assert found['outcome'] == 'refused'
    assert found['reason'] == 'cannot_boot'
    assert found['hosts'] is None


def test_each_server_of_a_request_once(messaging):
    one = filters.HypervisorAffinityFilter()
    spec = build.request_spec(QCOW2, num_instances=2)
    for server in ('a', 'b', 'b'):
        spec.instance_uuid = getattr(build.uuids, server)
        one.filter_all([kvm()], spec)
    assert [each['payload']['server'] for each in sent(2)] == [
        build.uuids.a,
        build.uuids.b,
    ]


def test_it_is_off_by_default(messaging, options):
    options(decision_notifications=False)
    one = filters.HypervisorAffinityFilter()
    one.filter_all([kvm()], build.request_spec(QCOW2))
    options(decision_notifications=True)
    one.filter_all([kvm('k2')], build.request_spec(QCOW2))
    assert len(sent()) == 1


def test_the_versioned_format_has_its_own_topics(messaging):
    messaging(notification_format='versioned')
    filters.HypervisorAffinityFilter().filter_all(
        [kvm()], build.request_spec(QCOW2)
    )
    assert payload()['outcome'] == 'passed'


def test_without_a_driver_it_is_said_once(messaging, log):
    messaging(driver=())
    one = filters.HypervisorAffinityFilter()
    for _ in range(3):
        one.filter_all([kvm()], build.request_spec(QCOW2))
    until(lambda: 'driver is not set' in log.output, 'the records', seconds=10)
    assert log.output.count('driver is not set') == 1
