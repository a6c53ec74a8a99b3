# SPDX-License-Identifier: Apache-2.0
"""TAP devices that are left when a cloud ends."""

import os
import subprocess

import psutil
import pytest
from nova.network import model

from testbed.processes import guests
from testbed.processes import polling
from testbed.processes import taps
from testbed.processes.child import Child

PORT = 'c0ffee00-5a17-4d2b-9c3e-5f0d8a7b6c21'
OTHER = 'c0ffee01-5a17-4d2b-9c3e-5f0d8a7b6c21'


@pytest.fixture
def device():
    """A device of the machine, with the name of a port's."""
    name = taps.device(PORT)
    command = ['ip', 'tuntap', 'add', name, 'mode', 'tap']
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip('this user cannot make TAP devices')
    yield name
    subprocess.run(['ip', 'link', 'delete', 'dev', name], capture_output=True)


def is_there(device):
    return os.path.exists(f'/sys/class/net/{device}')


def test_a_device_that_is_left_goes_with_the_cloud(device, tmp_path):
    state = tmp_path / 'neutron'
    taps.note(state, PORT)
    taps.note(state, OTHER)
    assert taps.find(state) == [device]
    # Neutron forgets the port, and nobody removes the device.
    taps.forget(state, PORT)
    guests.end(tmp_path)
    assert not is_there(device)
    assert taps.find(state) == []


def test_a_device_goes_if_whoever_started_the_cloud_has_died(device, tmp_path):
    taps.note(tmp_path / 'neutron', PORT)
    guard = Child(guests.guard(tmp_path), tmp_path / 'log')
    # Else it has no trap yet.
    polling.until(
        lambda: psutil.Process(guard.process.pid).children(), 'its sleep'
    )
    assert is_there(device)
    guard.process.terminate()
    guard.wait_for_end()
    assert not is_there(device)


def test_a_device_of_somebody_else_stays(device, tmp_path):
    state = tmp_path / 'neutron'
    taps.note(state, OTHER)
    guests.end(tmp_path)
    assert is_there(device)


def test_the_note_of_a_port_without_a_device_goes(tmp_path):
    taps.note(tmp_path, OTHER)
    taps.forget(tmp_path, OTHER)
    assert [*tmp_path.rglob('tap*[0-9]*')] == []


def test_a_name_is_as_nova_makes_it():
    assert taps.device(PORT) == f'tap{PORT}'[: model.NIC_NAME_LEN]
