# SPDX-License-Identifier: Apache-2.0
import inspect

import pytest
from nova.virt.vmwareapi import host as vmwareapi_host

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.operations.compute_service import ComputeService
from hypervisor_affinity.operations.findings import Severity
from hypervisor_affinity.status import services
from hypervisor_affinity.status.databases import ComputeHost
from tests.unit.status import hosts

UP = hosts.vcenter('up')


def found(*others):
    return list(services.check(hosts.offering(*others)))


def test_hosts_that_are_up():
    assert found(UP, hosts.kvm()) == []


@pytest.mark.parametrize(
    ('state', 'advice'),
    [
        ({'is_up': False}, 'start it again'),
        ({'is_up': False, 'is_forced_down': True}, '--up HOST'),
        (
            {'disabled_reason': hypervisor.DISABLED_BY_VSPHERE_DRIVER},
            '--enable HOST',
        ),
    ],
)
def test_a_service_that_is_not_in_order(state, advice):
    (finding,) = found(UP, hosts.vcenter('vc-9', **state))
    assert finding.severity is Severity.WARNING
    assert '1 vCenter host (vc-9)' in finding.text
    assert advice in finding.text
    # Those of other hypervisors are for nova's own tools.
    assert found(UP, hosts.kvm(**state)) == []


@pytest.mark.parametrize('reason', ['', 'maintenance'])
def test_what_somebody_disabled_is_a_wish(reason):
    assert found(UP, hosts.vcenter(disabled_reason=reason)) == []


def test_no_vcenter_host_is_left():
    everything, down = found(
        hosts.vcenter('a', is_up=False),
        hosts.vcenter('b', disabled_reason='maintenance'),
    )
    assert everything.severity is Severity.ERROR
    assert '2 vCenter hosts (a, b)' in everything.text
    assert down.severity is Severity.WARNING


def test_a_service_that_never_reported_a_node_is_known_by_its_tag():
    down = ComputeService(is_up=False)
    new = ComputeHost('new', (hosts.TAGGED_VMWARE,), None, down)
    (finding,) = found(UP, new)
    assert '1 vCenter host (new)' in finding.text


def test_the_reason_is_the_drivers():
    source = inspect.getsource(vmwareapi_host)
    assert repr(hypervisor.DISABLED_BY_VSPHERE_DRIVER) in source
