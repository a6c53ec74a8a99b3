# SPDX-License-Identifier: Apache-2.0
"""What a configuration says when a cloud is started again."""

import types

import pytest

from testbed.processes import nova_conf
from testbed.processes.nova import Nova


@pytest.fixture
def down_time(tmp_path):
    """Return a function that returns what nova.conf has in the end."""
    site = types.SimpleNamespace(
        folder=tmp_path,
        ports={'nova': 1},
        programs=types.SimpleNamespace(add=lambda *beside, **options: None),
        environment=dict,
        messaging_options=dict,
        token_options=lambda name: {},
        credentials=lambda name: {},
        database=lambda name: {},
        pipeline=lambda path: path,
    )

    def down_time(*wanted):
        conf = Nova(site, *wanted).conf
        return nova_conf.value(conf, 'DEFAULT', 'service_down_time')

    return down_time


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / 'nova.conf'
    assert nova_conf.value(path, 'libvirt', 'virt_type') is None
    nova_conf.write(path, {'DEFAULT': {'a': '%1'}, 'libvirt': {'b': 2}})
    assert nova_conf.value(path, 'DEFAULT', 'a') == '%1'
    assert nova_conf.value(path, 'libvirt', 'b') == '2'
    assert nova_conf.value(path, 'libvirt', 'c') is None
    assert nova_conf.value(path, 'vmware', 'b') is None


def test_a_machine_that_is_busy_with_tests_is_waited_for(down_time):
    assert down_time() == '600'


def test_it_stays_as_the_cloud_was_made(down_time):
    assert down_time(40) == '40'
    assert down_time() == '40'
