# SPDX-License-Identifier: Apache-2.0
"""The commands about vCenters, on real APIs of a cloud and of vCenters."""

import json
import os
import subprocess
import urllib.request

import pytest
import yaml

pytest.importorskip('glance', reason='the extra `cloud` is not installed')

from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from testbed.fake_api import Answer
from testbed.fake_api import FakeApi
from testbed.fake_api import forward
from testbed.fake_api import in_json
from testbed.processes import polling
from testbed.processes import ports
from testbed.processes.site import ADMIN
from testbed.processes.site import REGION
from testbed.vcenter import inventory
from testbed.vcenter.inventory import GIB
from tests.integration import content
from tests.unit.cli import program
from tests.vcenter import conf_files

# Fixtures, which pytest finds by their names.
from tests.vcenter.conftest import authority  # noqa: F401
from tests.vcenter.conftest import make_vcenter  # noqa: F401
from tests.vcenter.conftest import simulator_program  # noqa: F401

HOSTS = {
    host.name: host for host in content.HOSTS if host.name.startswith('vc-')
}
ESXI_HOSTS = 20
ON = {
    name: [server for server in content.SERVERS if server.host == name]
    for name in (*HOSTS, 'kvm-01')
}
LOST = ON['vc-01'][0]
STRAY = ON['kvm-01'][0]
LEFT = inventory.make_uuid('left')
# What is wrong: the check, the cluster, and the subject.
PLANTED = {
    (VCenterCheck.COMPUTE_DISABLED_BY_DRIVER, 'cluster-vc-02', 'vc-02'),
    (VCenterCheck.DATASTORE_NOT_SHARED, 'cluster-vc-01', 'local'),
    (VCenterCheck.DRS_MANUAL, 'cluster-vc-02', ''),
    # Of the local disk, which nova counts too.
    (VCenterCheck.INVENTORY_DIFFERS, 'cluster-vc-01', 'vc-01'),
    (VCenterCheck.SERVER_WITHOUT_VM, 'cluster-vc-01', LOST.id),
    (VCenterCheck.VM_OF_SERVER_ELSEWHERE, 'cluster-vc-02', STRAY.id),
    (VCenterCheck.VM_WITHOUT_SERVER, 'cluster-vc-01', LEFT),
}


def described(host):
    """Return the vCenter that is behind a host, as Placement has it."""
    moid, _, uuid = host.node.partition('.')
    cluster = inventory.cluster(
        f'cluster-{host.name}', hosts=ESXI_HOSTS, moid=moid
    )
    for esxi in cluster.hosts:
        esxi.hardware = inventory.Hardware(
            memory_bytes=host.memory_mb.max_unit * 2**20,
            cpu_threads=host.vcpus.max_unit,
        )
        esxi.usage = inventory.Usage(0, 0)
        esxi.services['vsan'] = ['vmk2']
    shared = inventory.datastore(
        'shared', cluster.hosts, capacity_bytes=host.disk_gb.total * GIB
    )
    return inventory.Inventory(
        instance_uuid=uuid,
        clusters=[cluster],
        datastores=[shared],
        vms=[
            vm(cluster, server.id)
            for server in ON[host.name]
            if server is not LOST
        ],
    )


def vm(cluster, uuid):
    return inventory.VM(
        f'VM {uuid}', cluster.hosts[0].name, 'shared', instance_uuid=uuid
    )


@pytest.fixture(scope='module')
def vcenters(make_vcenter):  # noqa: F811
    """A vCenter behind each host, with all that is planted."""
    first, second = map(described, HOSTS.values())
    first.datastores.append(
        inventory.datastore('local', first.clusters[0].hosts[:1])
    )
    first.vms.append(vm(first.clusters[0], LEFT))
    second.clusters[0].drs = 'manual'
    second.vms.append(vm(second.clusters[0], STRAY.id))
    with make_vcenter(first) as one, make_vcenter(second) as two:
        yield dict(zip(HOSTS, (one, two), strict=True))


@pytest.fixture(scope='module')
def files(vcenters, tmp_path_factory):
    """The arguments that name the vCenters."""
    folder = tmp_path_factory.mktemp('files')
    return [
        argument
        for name, vcenter in vcenters.items()
        for argument in (
            '--vcenter-conf',
            conf_files.write(
                folder / f'{name}.conf',
                vcenter,
                cluster_name=f'cluster-{name}',
            ),
        )
    ]


@pytest.fixture
def environment(cloud, cinder, tmp_path):
    """Return a function that returns the variables that name the cloud."""

    def environment(nova=None):
        path = tmp_path / 'clouds.yaml'
        small = {
            'auth_type': 'admin_token',
            'auth': {'endpoint': 'http://127.0.0.1:9', 'token': ADMIN},
            'region_name': REGION,
            'compute_endpoint_override': (
                f'{nova or cloud.site.url("nova")}/v2.1'
            ),
            'image_endpoint_override': cloud.site.url('glance'),
            'placement_endpoint_override': cloud.site.url('placement'),
            'block_storage_endpoint_override': f'{cinder.url}/v3',
        }
        path.write_text(yaml.safe_dump({'clouds': {'small': small}}))
        return {
            'PATH': os.environ['PATH'],
            'PYTHONWARNINGS': 'ignore',
            'OS_CLIENT_CONFIG_FILE': str(path),
            'OS_CLOUD': 'small',
        }

    return environment


@pytest.fixture
def run(environment):
    """Return a function that runs a command; its code, rows and errors."""

    def run(*command):
        done = subprocess.run(
            [*program.PROGRAM, *command, '-f', 'json'],
            capture_output=True,
            text=True,
            env=environment(),
        )
        rows = json.loads(done.stdout) if done.stdout else None
        return done.returncode, rows, done.stderr

    return run


def test_check(run, files):
    code, rows, errors = run('vcenter', 'check', '--long', *files)
    assert (code, errors) == (1, '')
    found = [(row['Check'], row['Cluster'], row['Subject']) for row in rows]
    assert len(found) == len(PLANTED)
    assert set(found) == PLANTED


def test_check_without_one_vcenter(run, files, vcenters):
    code, rows, _ = run('vcenter', 'check', '--long', *files[:2])
    assert code == 1
    of_first = {found for found in PLANTED if found[1] == 'cluster-vc-01'}
    assert {
        (row['Check'], row['Cluster'], row['Subject']) for row in rows
    } == {
        *of_first,
        (VCenterCheck.COMPUTE_NOT_CHECKED, '', 'vc-02'),
        (VCenterCheck.COMPUTE_DISABLED_BY_DRIVER, '', 'vc-02'),
    }


def test_show(run, files):
    code, rows, errors = run('vcenter', 'show', '--long', *files)
    assert (code, errors) == (0, '')
    assert [
        (row['Compute'], row['DRS'], row['Hosts'], row['VMs of nova'])
        for row in rows
    ] == [
        ('vc-01', 'fully_automated', '20/20', len(ON['vc-01'])),
        ('vc-02', 'manual', '20/20', len(ON['vc-02']) + 1),
    ]


@pytest.mark.parametrize('suffix', ['.json', '.yaml'])
def test_a_snapshot_has_the_same_findings(
    run, files, vcenters, tmp_path, suffix
):
    path = tmp_path / f'cloud{suffix}'
    code, sections, _ = run('snapshot', 'save', path, *files)
    assert code == 0
    assert {'Section': 'vcenters', 'Elements': 2} in sections
    assert vcenters['vc-01'].password not in path.read_text()
    assert run('vcenter', 'check', '--snapshot', path) == run(
        'vcenter', 'check', *files
    )


@pytest.fixture
def export(environment, files):
    """Return a function that starts the exporter.

    It returns the process, and a function that returns the metrics once they
    have some text.
    """
    processes = []

    def export(**options):
        (port,) = ports.free(1)
        process = program.start(
            *(*program.PROGRAM, 'exporter', *files),
            *('--listen', f'127.0.0.1:{port}'),
            env=environment(**options),
        )
        processes.append(process)
        line = process.stderr.readline()
        assert line.startswith('serving '), line + process.stderr.read()
        return process, lambda text: polling.until(
            lambda: scraped(port, text), text
        )

    yield export
    for process in processes:
        process.kill()
        process.communicate()


def scraped(port, text):
    url = f'http://127.0.0.1:{port}/metrics'
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=60) as answer:
        metrics = answer.read().decode()
    return metrics if text in metrics else None


def drs(vcenter, level):
    """Return the sample of the second cluster's level of DRS."""
    return (
        'hypervisor_affinity_cluster_drs{cluster="cluster-vc-02",'
        f'level="{level}",vcenter="127.0.0.1:{vcenter.port}"}} 1.0\n'
    )


def test_the_exporter_has_what_was_planted(export, vcenters):
    _, metrics_with = export()
    metrics = metrics_with('hypervisor_affinity_vcenter_findings{')
    for check, cluster, _ in PLANTED:
        port = vcenters[cluster.removeprefix('cluster-')].port
        severity = check.severity.name.lower()
        assert (
            f'hypervisor_affinity_vcenter_findings{{check="{check}",'
            f'severity="{severity}",vcenter="127.0.0.1:{port}"}} 1.0\n'
        ) in metrics
    assert drs(vcenters['vc-02'], 'manual') in metrics
    assert READ % '1.0' in metrics


READ = 'hypervisor_affinity_read_success{source="openstack"} %s\n'
FAILED = 'hypervisor_affinity_read_errors_total{source="openstack"} 1.0\n'


@pytest.mark.parametrize(
    'answer',
    [
        pytest.param(in_json({}, 403), id='refuses'),
        pytest.param(Answer(503, headers={'Retry-After': '0'}), id='down'),
        pytest.param(Answer(delay=600), id='slow'),
    ],
)
def test_the_exporter_needs_no_nova_for_vcenters(
    export, cloud, vcenters, answer
):
    def faulty(request):
        if request.path.endswith('/os-services'):
            return answer
        return forward(request, cloud.site.url('nova'))

    shown = drs(vcenters['vc-02'], 'manual')
    with FakeApi(faulty) as nova:
        process, metrics_with = export(nova=nova.url)
        metrics = metrics_with(shown if answer.delay else FAILED)
        process.terminate()
        # Also while it waits for an answer.
        _, err = process.communicate(timeout=polling.TIMEOUT)
    assert shown in metrics
    assert READ % '0.0' in metrics
    # Half of what is known would seem to be all.
    assert 'hypervisor_affinity_vcenter_findings{' not in metrics
    assert process.returncode == 0
    assert 'Traceback' not in err
