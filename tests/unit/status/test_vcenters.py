# SPDX-License-Identifier: Apache-2.0
import contextlib
import importlib.util

import msgspec
import pytest
from oslo_upgradecheck.upgradecheck import Code

from hypervisor_affinity import vcenter_conf
from hypervisor_affinity.cloud import vcenter as reading
from hypervisor_affinity.cloud.vcenter import options
from hypervisor_affinity.core.hypervisor import DISABLED_BY_VSPHERE_DRIVER
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.findings import Severity
from hypervisor_affinity.status import novas_records
from hypervisor_affinity.status import statements
from hypervisor_affinity.status import vcenters
from tests.vcenter_records import cloud
from tests.vcenter_records import cluster
from tests.vcenter_records import conf
from tests.vcenter_records import hosts
from tests.vcenter_records import nova
from tests.vcenter_records import server
from tests.vcenter_records import vcenter
from tests.vcenter_records import vms

PASSWORD = 's3cret'
ACCESS = (
    '[hypervisor_affinity_vcenter]\nhost_ip = vcenter.example.org\n'
    f'host_username = nova\nhost_password = {PASSWORD}\n'
)
SHOWN = '(vcenter.example.org, production)'


def check(conf, has_vcenter_hosts=True, unread=()):
    return list(
        vcenters.check(
            conf,
            Policy(),
            has_vcenter_hosts=has_vcenter_hosts,
            unread=unread,
        )
    )


@pytest.fixture
def without(monkeypatch):
    """Return a function that takes a module away."""

    def take(missing):
        real = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util,
            'find_spec',
            lambda name, *rest: None if name == missing else real(name, *rest),
        )

    return take


@pytest.mark.parametrize('text', ['', '[vmware]\nhost_username = nova\n'])
def test_no_vcenter_is_named(load, text):
    (finding,) = check(load(text))
    assert finding.severity is Severity.INFO
    assert '[hypervisor_affinity_vcenter] config_files' in finding.text
    assert check(load(text), has_vcenter_hosts=False) == []


@pytest.mark.parametrize('missing', ['defusedxml', 'msgspec', 'pyVmomi'])
def test_the_extra_is_not_installed(load, without, missing):
    without(missing)
    (finding,) = check(load(ACCESS))
    assert finding.severity is Severity.INFO
    assert "pip install 'hypervisor-affinity[vsphere]'" in finding.text
    assert check(load(ACCESS), has_vcenter_hosts=False) == []


def of_file(tmp_path, text=None):
    path = tmp_path / 'vcenter.conf'
    if text is not None:
        path.write_text(text)
    return f'[hypervisor_affinity_vcenter]\nconfig_files = {path}\n'


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (None, 'no such file'),
        (f'[vmware]\nhost_password\n{PASSWORD}', 'line 2'),
        (
            ACCESS.replace('host_username = nova\n', ''),
            'host_username is not set',
        ),
        (f'{ACCESS}host_port = {PASSWORD}\n', 'host_port cannot be read'),
    ],
)
def test_a_file_that_cannot_be_read(load, tmp_path, text, message):
    (finding,) = check(load(of_file(tmp_path, text)))
    assert finding.severity is Severity.WARNING
    path = tmp_path / 'vcenter.conf'
    assert finding.text.startswith(f'Not checked: {path}: ')
    assert message in finding.text
    assert PASSWORD not in finding.text


def test_nova_conf_itself_cannot_be_read(load):
    (finding,) = check(load(ACCESS.replace('nova\n', '\n')))
    assert finding.severity is Severity.WARNING
    assert 'Not checked: nova.conf: host_username' in finding.text


def test_a_cell_cannot_be_read(load):
    # Nothing listens at the vCenter: it is not even asked.
    (finding,) = check(load(ACCESS), unread={'cell1': 'OperationalError'})
    assert finding.severity is Severity.WARNING
    assert finding.text == (
        'Not checked: the database of 1 cell (cell1) cannot be read.'
    )


class FakeVCenters:
    """What is read of vCenters, instead of these."""

    def __init__(self, source):
        self._source = source

    def read(self):
        return self._source.vcenters()

    def find_vm(self, name, uuid):
        return next(
            (
                found.id
                for vcenter in self._source.vcenters()
                for found in vcenter.clusters
                if vcenter.name == name and uuid in found.vms
            ),
            None,
        )


@pytest.fixture
def result(load, monkeypatch):
    """Return a function that returns the result for a cloud of records.

    nova's databases and the vCenters are those of the records.
    """

    def result(source, text=ACCESS, placement_error=''):
        source.placement_error = placement_error
        monkeypatch.setattr(
            novas_records, 'NovasRecords', lambda vcenters: source
        )
        monkeypatch.setattr(
            reading,
            'connect',
            lambda accesses: contextlib.nullcontext(FakeVCenters(source)),
        )
        return statements.to_result(check(load(text)))

    return result


def test_all_in_order(result):
    source = cloud(
        servers=[server(1, nova())],
        vcenters=[vcenter(cluster(vms=vms(1)))],
    )
    assert (result(source).code, result(source).details) == (0, None)


@pytest.mark.parametrize(
    ('found', 'code', 'text'),
    [
        (
            cluster(drs='manual'),
            Code.FAILURE,
            f'drs_manual {SHOWN}: DRS is manual. To do: set DRS to Fully '
            'Automated.',
        ),
        (
            cluster(ha=False),
            Code.WARNING,
            f'ha_off {SHOWN}: vSphere HA is disabled. To do: enable vSphere '
            'HA.',
        ),
        (
            cluster(
                hosts=hosts({'adapters': {'v': ('management', 'vmotion')}})
            ),
            Code.SUCCESS,
            f'storage_network_shared {SHOWN}: esxi-3: v (management vmotion). '
            'To do: give storage a VMkernel adapter of its own.',
        ),
    ],
)
def test_what_a_severity_comes_to(result, found, code, text):
    done = result(cloud(vcenters=[vcenter(found)]))
    assert (done.code, done.details) == (code, text)


def test_many_of_a_kind_are_one_line(result):
    other = cluster(id='domain-c1008', name='test', vms=vms(9))
    servers = [server(number, nova()) for number in range(1, 6)]
    done = result(
        cloud(
            hosts=[nova(), nova('vc-2', moid='domain-c1008')],
            servers=servers,
            vcenters=[
                vcenter(
                    cluster(vms=vms(8)),
                    other,
                    computes=(conf(), conf(host='vc-2', cluster='test')),
                )
            ],
        )
    )
    seen = [f's-{number}: nova has it on vc-1 (ACTIVE)' for number in (1, 2)]
    failed, *warned = done.details.splitlines()
    assert failed.startswith(
        f'server_without_vm {SHOWN}: {seen[0]}; {seen[1]}; s-3: '
    )
    assert failed.endswith(
        '; and 2 more. To do: ask who deleted the VM; if it is lost, delete '
        'the server.'
    )
    assert 's-4' not in failed
    assert [line.partition(':')[0] for line in warned] == [
        f'vm_without_server {SHOWN}',
        'vm_without_server (vcenter.example.org, test)',
    ]


def test_what_concerns_nova_alone_has_no_place(result):
    done = result(cloud(vcenters=[]))
    assert done.details == (
        f'compute_not_checked: vc-1: node {nova().node}. To do: name its '
        'nova.conf, or make vCenter answer.'
    )


@pytest.mark.parametrize(
    'state',
    [
        {'state': 'down'},
        {'status': 'disabled'},
        {'status': 'disabled', 'disabled_reason': DISABLED_BY_VSPHERE_DRIVER},
    ],
)
def test_what_another_check_tells_is_left_out(result, state):
    source = cloud(hosts=[nova(**state)])
    assert result(source).details is None
    source = cloud(
        hosts=[nova(**state)], vcenters=[vcenter(cluster(ha=False))]
    )
    assert result(source).details.startswith('ha_off')


def test_without_placement_the_rest_is_checked(result):
    bare = msgspec.structs.replace(
        nova(), vcpus=None, memory_mb=None, disk_gb=None
    )
    source = cloud(hosts=[bare], vcenters=[vcenter(cluster(drs='off'))])
    done = result(source, placement_error='ConnectFailure')
    assert done.code is Code.FAILURE
    failed, warned = done.details.splitlines()
    assert failed.startswith('drs_off')
    assert warned == (
        'Inventories are not compared: Placement does not answer '
        '(ConnectFailure).'
    )
    # Of one that answers, and has none, that is a finding.
    assert 'inventory_differs' in result(source).details


@pytest.mark.parametrize('host', ['', '[DEFAULT]\nhost = controller\n'])
def test_the_host_of_the_scheduler_serves_no_cluster(load, result, host):
    # nova has one in any case: by default, the name of the machine.
    text = f'{host}{ACCESS}cluster_name = production\n'
    conf = load(text)
    vcenter_conf.register(conf)
    (access,) = options.read_conf(conf, 'nova.conf')
    known = vcenter(computes=access.computes)
    assert result(cloud(vcenters=[known]), text).details is None
