# SPDX-License-Identifier: Apache-2.0
"""Which drivers the hosts have, and threads the nova-compute on vCenter."""

import pathlib
import types

import pytest

from testbed.processes import compute
from testbed.processes import libvirt
from testbed.processes import nova_conf
from testbed.processes import vsphere

# A cloud's, as far as it is asked.
NOVA = types.SimpleNamespace(
    site=types.SimpleNamespace(vcenter=types.SimpleNamespace(options=dict))
)
FOLDER = pathlib.Path('nova-compute')


@pytest.fixture
def drivers(tmp_path, monkeypatch):
    """Return a function that returns what boots the servers of KVM."""

    def drivers(lacks, virt_type='kvm'):
        monkeypatch.setattr(libvirt, 'lacks', lambda cloud: lacks)
        monkeypatch.setattr(libvirt, 'usable_virt_type', lambda: virt_type)
        first, second, vcenter = compute.hosts(tmp_path)
        assert vcenter.is_real
        assert first.is_real is second.is_real
        assert first.driver == second.driver
        return first.driver

    return drivers


@pytest.fixture
def begun(tmp_path):
    """Return a function that has a cloud that was made before."""

    def begun(options):
        path = tmp_path / 'nova' / 'nova-compute-kvm-1' / 'nova.conf'
        path.parent.mkdir(parents=True)
        nova_conf.write(path, options)

    return begun


def test_kvm_is_real_where_it_can_be(drivers):
    assert drivers(None) == "nova's libvirt driver, virt_type=kvm"
    assert drivers(None, 'qemu').endswith('virt_type=qemu')
    assert drivers('all is missing') == 'none, it is faked: all is missing'


def test_a_cloud_that_was_real_stays_as_it_was(drivers, begun):
    begun({'libvirt': {'virt_type': 'qemu'}})
    assert drivers(None, 'kvm').endswith('virt_type=qemu')
    with pytest.raises(OSError, match='are real, but all is missing'):
        drivers('all is missing')


def test_a_cloud_that_was_faked_stays_so(drivers, begun):
    begun({'DEFAULT': {'host': 'kvm-1'}})
    was = 'so they were when this cloud was made'
    assert drivers(None) == f'none, it is faked: {was}'


@pytest.fixture
def made(monkeypatch):
    """Return a function that returns threads and environment."""

    def make(path):
        monkeypatch.setenv(vsphere.PATCHED, path)
        options = vsphere.nova_options(
            '127.0.0.1', 443, 'user', 'password', pathlib.Path('ca'), 'cluster'
        )
        launch = compute.vsphere_host('vc-1').launch(NOVA, FOLDER)
        return options['DEFAULT']['concurrency_backend'], launch.environment

    return make


def test_threads_are_eventlets(made):
    assert made('') == ('eventlet', {})


def test_a_patched_package_makes_them_native(made):
    assert made('/patched') == ('threading', {'PYTHONPATH': '/patched'})


def test_other_hosts_do_not_have_it(monkeypatch):
    monkeypatch.setenv(vsphere.PATCHED, '/patched')
    launch = compute.faked_kvm_host('kvm-1').launch(NOVA, FOLDER)
    assert launch.environment is None
