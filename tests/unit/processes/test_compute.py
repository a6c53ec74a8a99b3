# SPDX-License-Identifier: Apache-2.0
"""Which threads the nova-compute on vCenter has in a cloud of processes."""

import pathlib
import types

import pytest

from testbed.processes import compute
from testbed.processes import vsphere

# A cloud's, as far as it is asked.
NOVA = types.SimpleNamespace(
    site=types.SimpleNamespace(vcenter=types.SimpleNamespace(options=dict))
)
FOLDER = pathlib.Path('nova-compute')


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
