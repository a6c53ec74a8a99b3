# SPDX-License-Identifier: Apache-2.0
"""The program, up to where it has become nova-compute."""

import functools
import importlib.metadata
import json
import pathlib
import subprocess
import sys

import pytest

# nova-compute would wait for a conductor; this takes its place, and does what
# it does to its driver. In a process of its own: nova prepares the process.
_PROGRAM = """
import json
import sys

from hypervisor_affinity.fake_compute import program


def nova_compute():
    from nova import config
    from nova import objects
    from nova.compute import provider_tree
    from nova.conf import CONF
    from nova.virt import driver

    config.parse_args(sys.argv)
    objects.register_all()
    loaded = driver.load_compute_driver(None)
    loaded.init_host(CONF.host)
    (node,) = loaded.get_available_nodes()
    tree = provider_tree.ProviderTree()
    tree.new_root(node, '11111111-2222-3333-4444-555555555555')
    loaded.update_provider_tree(tree, node)
    resources = loaded.get_available_resource(node)
    inventory = tree.data(node).inventory
    supported = resources['supported_instances']
    print(json.dumps({
        'node': node,
        'type': resources['hypervisor_type'],
        'hypervisors': sorted({hypervisor for _, hypervisor, _ in supported}),
        'memory': [inventory['MEMORY_MB'][k] for k in ('total', 'max_unit')],
        'vcpus': [inventory['VCPU'][k] for k in ('total', 'max_unit')],
        'disk': inventory['DISK_GB']['total'],
        # What nova's disk weigher goes by, where the driver measures it.
        'free_disk': resources.get('disk_available_least'),
        'images': sorted(
            name.rpartition('_')[2]
            for name, able in loaded.capabilities.items()
            if able and name.startswith('supports_image_type_')),
        'evacuates': loaded.capabilities['supports_evacuate'],
        # What a start compares with nova's database, and what it wrote there.
        'identity': [
            *loaded.get_nodenames_by_uuid().items(), resources['uuid']],
    }))


from nova.cmd import compute

compute.main = nova_compute
program.main()
"""


def _run(folder, driver, more=''):
    conf = folder / 'nova.conf'
    conf.write_text(
        f"""
[DEFAULT]
host = node-1
state_path = {folder}
compute_driver = hypervisor_affinity_fake.{driver}
[hypervisor_affinity_fake_compute]
vcpus = 8
memory_mb = 16384
disk_gb = 500
esxi_hosts = 3
{more}
"""
    )
    return subprocess.run(
        [sys.executable, '-c', _PROGRAM, f'--config-file={conf}'],
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope='module')
def started(tmp_path_factory):
    """Return a function that starts a driver twice in a folder.

    It returns the folder, and what came of each start.
    """

    @functools.cache
    def started(driver):
        folder = tmp_path_factory.mktemp(driver)
        return folder, [_facts(folder, driver) for _ in range(2)]

    return started


def _facts(folder, driver):
    ended = _run(folder, driver)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


_WITHOUT_NOVA = """
import sys
sys.modules['nova'] = None
from hypervisor_affinity.fake_compute import program
sys.exit(program.main())
"""


@pytest.mark.parametrize(
    ('code', 'before', 'arguments', 'said'),
    [
        (0, '', ['--help'], ''),
        (1, '', ['--config-file', 'missing'], 'missing: no such file'),
        (1, '', ['--config-dir', 'missing'], 'missing: no such directory'),
        (1, _WITHOUT_NOVA, ['--help'], 'nova is not installed in'),
        (2, '', ['--nope'], 'unrecognized arguments: --nope'),
    ],
)
def test_the_exit_code(code, before, arguments, said):
    module = ['-m', 'hypervisor_affinity.fake_compute.program']
    started = ['-c', before] if before else module
    ended = subprocess.run(
        [sys.executable, *started, *arguments], capture_output=True, text=True
    )
    assert ended.returncode == code
    assert said in ended.stderr
    assert 'Traceback' not in ended.stderr


def test_the_command_is_nova_compute():
    command = pathlib.Path(sys.executable).with_name(
        'hypervisor-affinity-fake-compute'
    )
    ended = subprocess.run([command, '--version'], capture_output=True)
    assert ended.returncode == 0, ended.stderr
    release = importlib.metadata.version('nova')
    assert ended.stdout.decode().strip() == release


def test_vcenter(started):
    facts = dict(started('VCenterDriver')[1][0])
    del facts['identity']
    cluster, _, vcenter = facts.pop('node').partition('.')
    assert cluster == 'domain-c7'
    assert len(vcenter) == len('11111111-2222-3333-4444-555555555555')
    assert facts == {
        'type': 'VMware vCenter Server',
        'hypervisors': ['vmware'],
        'memory': [3 * 16384, 16384],
        'vcpus': [24, 8],
        'disk': 500,
        'free_disk': None,
        'images': ['iso', 'vmdk'],
        'evacuates': False,
    }


@pytest.mark.parametrize('driver', ['LibvirtDriver', 'VCenterDriver'])
def test_the_same_node_after_each_start(started, driver):
    folder, (first, second) = started(driver)
    assert first == second
    # Without the file nova-compute refuses to start a second time.
    identity = (folder / 'compute_id').read_text()
    assert first['identity'] == [[identity, first['node']], identity]


def test_libvirt(started):
    facts = dict(started('LibvirtDriver')[1][0])
    del facts['identity']
    assert facts == {
        'node': 'node-1',
        'type': 'QEMU',
        'hypervisors': ['kvm', 'qemu'],
        'memory': [16384, 16384],
        'vcpus': [8, 8],
        'disk': 500,
        'free_disk': 500,
        'images': ['aki', 'ami', 'ari', 'iso', 'qcow2', 'raw'],
        'evacuates': True,
    }


@pytest.mark.parametrize('driver', ['XenDriver', 'drivers.CONF'])
def test_unknown_driver_ends_the_start(tmp_path, driver):
    ended = _run(tmp_path, driver)
    assert ended.returncode == 1
    assert 'Unable to load the virtualization driver' in ended.stderr


@pytest.mark.parametrize('driver', ['LibvirtDriver', 'VCenterDriver'])
@pytest.mark.parametrize(
    ('option', 'value', 'cause'),
    [
        ('vcpus', '$nope', 'refers to an option that does not exist'),
        ('memory_mb', '$memory_mb', 'it refers to itself'),
        ('disk_gb', '', 'it is empty'),
        ('vcpus', 'many', "not a whole number: 'many'"),
        ('memory_mb', '0', 'Should be greater than or equal to 1'),
    ],
)
def test_a_wrong_option_stops_the_start_and_is_named(
    tmp_path, driver, option, value, cause
):
    ended = _run(tmp_path, driver, f'{option} = {value}')
    assert ended.returncode == 1
    last_line = ended.stderr.splitlines()[-1]
    for named in (option, cause, 'nova.conf'):
        assert named in last_line
