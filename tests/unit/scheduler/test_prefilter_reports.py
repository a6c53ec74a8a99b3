# SPDX-License-Identifier: Apache-2.0
"""What the pre-filter asks databases, of hosts that no aggregate settles."""

from typing import ClassVar

import pytest
from nova import exception

from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.scheduler import reports
from tests.unit.scheduler import nova_objects as build
from tests.unit.scheduler.prefilter import IMPOSSIBLE
from tests.unit.scheduler.prefilter import ISO
from tests.unit.scheduler.prefilter import QCOW2
from tests.unit.scheduler.prefilter import VMDK
from tests.unit.scheduler.prefilter import ask
from tests.unit.scheduler.prefilter import boot
from tests.unit.scheduler.prefilter import forbidden
from tests.unit.scheduler.prefilter import kvm
from tests.unit.scheduler.prefilter import vmware

XEN = {**ISO, 'hypervisor_type': 'xen'}
KVM_REPORT = DriverReport('QEMU', ('kvm', 'qemu'))
VCENTER_REPORT = DriverReport('VMware vCenter Server', ('vmware',))


@pytest.fixture
def databases(monkeypatch):
    """What they have of hosts that aggregates do not settle: ``found``.

    ``asked``: what is settled, at each look-up.
    """

    class Databases:
        found: ClassVar = {}
        asked: ClassVar = []

    def look_up(settled):
        Databases.asked.append(set(settled))
        if isinstance(Databases.found, Exception):
            raise Databases.found
        return Databases.found

    # The database is outside of a unit test; functional tests have one.
    monkeypatch.setattr(reports, 'read', look_up)
    Databases.asked.clear()
    return Databases


def test_changed_aggregates_count_at_once(start_prefilter, databases):
    # Of which only the driver tells, while it is in both aggregates.
    databases.found = {VCENTER_REPORT: frozenset({'v1'})}
    manager = start_prefilter()
    for changed, expected in (
        (kvm(hypervisor_type='vmware'), {}),
        (kvm(), {kvm().uuid}),
        (build.aggregate(1, {'hypervisor_type': 'kvm'}, ['k1', 'v1']), {}),
        (kvm(), {kvm().uuid}),
    ):
        manager.update_aggregates([changed])
        spec = boot(VMDK)
        ask(spec)
        assert forbidden(spec) == set(expected)
    manager.delete_aggregate(kvm())
    spec = boot(VMDK)
    ask(spec)
    assert forbidden(spec) == set()


def refusal(spec):
    with pytest.raises(exception.NoValidHost) as raised:
        ask(spec)
    return str(raised.value)


def test_what_nobody_has_ends_with_the_reason(start_prefilter, databases, log):
    start_prefilter()
    databases.found = {}
    assert refusal(boot(XEN)) == (
        'No valid host was found. The image needs Xen (hypervisor_type=xen); '
        'no Xen host is available'
    )
    assert databases.asked == [{'k1', 'k2', 'v1'}]
    assert 'other_hypervisor' in log.output


def test_hosts_in_no_aggregate_are_asked_before_a_request_is_refused(
    start_prefilter, databases
):
    start_prefilter(kvm())
    databases.found = {KVM_REPORT: frozenset({'x'})}
    assert 'image needs VMware' in refusal(boot(VMDK))
    # Nobody tells of a new host, so the next request asks again.
    databases.found = {VCENTER_REPORT: frozenset({'new'})}
    assert ask(boot(VMDK))
    assert len(databases.asked) == 2


def test_what_was_there_the_last_time_is_not_asked_for_again(
    start_prefilter, databases
):
    start_prefilter(vmware())
    databases.found = {KVM_REPORT: frozenset({'x'})}
    for _ in range(5):
        assert ask(boot(QCOW2))
    assert len(databases.asked) == 1
    # Another reason to ask: this one would be refused.
    assert 'needs Xen' in refusal(boot(XEN))
    assert len(databases.asked) == 2


def test_changed_aggregates_are_asked_about_anew(start_prefilter, databases):
    manager = start_prefilter(vmware())
    databases.found = {KVM_REPORT: frozenset({'k1'})}
    assert ask(boot(QCOW2))
    manager.update_aggregates([kvm()])
    databases.found = {}
    spec = boot(QCOW2)
    assert ask(spec)
    assert forbidden(spec) == {vmware().uuid}
    assert len(databases.asked) == 1


def test_most_requests_ask_no_database(start_prefilter, databases):
    start_prefilter()
    for image in (VMDK, QCOW2, ISO):
        ask(boot(image))
    refusal(boot(IMPOSSIBLE))
    assert databases.asked == []


def test_a_database_that_fails_costs_the_reason_alone(
    start_prefilter, databases, log
):
    start_prefilter(kvm())
    databases.found = RuntimeError('gone')
    for _ in range(3):
        spec = boot(VMDK)
        assert ask(spec)
        assert forbidden(spec) == {kvm().uuid}
    assert log.output.count('ERROR Cannot read the hypervisors') == 1
