# SPDX-License-Identifier: Apache-2.0
"""Tempest finds the tests; each has an id that nothing else has."""

import importlib.metadata
import pathlib
import unittest
import uuid

import pytest
from oslo_config import cfg

pytest.importorskip('tempest', reason='tempest is not installed')

from hypervisor_affinity_tempest_plugin import config


@pytest.fixture(scope='module')
def plugin():
    # Of all: a build may have left an older list in the checkout.
    (entry_point,) = {
        entry_point
        for installed in importlib.metadata.distributions(
            name='hypervisor-affinity'
        )
        for entry_point in installed.entry_points
        if entry_point.group == 'tempest.test_plugins'
    }
    return entry_point.load()()


@pytest.fixture(scope='module')
def tests(plugin):
    folder, top = plugin.load_tests()
    loader = unittest.TestLoader()
    suites = [loader.discover(folder, top_level_dir=top)]
    found = []
    while suites:
        for test in suites.pop():
            if isinstance(test, unittest.TestSuite):
                suites.append(test)
            else:
                found.append(test)
    assert loader.errors == []
    return found


def test_every_module_of_tests_is_found(plugin, tests):
    folder, top = map(pathlib.Path, plugin.load_tests())
    modules = {
        '.'.join(path.relative_to(top).with_suffix('').parts)
        for path in folder.rglob('test_*.py')
    }
    assert {type(test).__module__ for test in tests} == modules


def test_every_test_has_an_id_of_its_own(tests):
    ids = {}
    for test in tests:
        method = getattr(test, test._testMethodName)
        attributes = method.__testtools_attrs
        (own,) = (a[3:] for a in attributes if a.startswith('id-'))
        uuid.UUID(own)
        assert own not in ids, (test.id(), ids[own])
        ids[own] = test.id()
    assert ids


def test_the_options_are_registered(plugin):
    conf = cfg.ConfigOpts()
    conf.register_group(cfg.OptGroup('service_available'))
    plugin.register_opts(conf)
    conf([])
    assert conf.service_available.hypervisor_affinity is False
    for opt in config.opts:
        assert conf.hypervisor_affinity[opt.name] == opt.default


def test_the_options_are_in_the_sample_configuration(plugin):
    assert dict(plugin.get_opt_lists()) == {
        'service_available': [config.service_option],
        'hypervisor_affinity': config.opts,
    }


@pytest.mark.parametrize(
    ('option', 'value'),
    [
        ('preferred_hypervisors', 'vmware,xen'),
        ('flexible_placement', 'maybe'),
        ('vmdk_images', 'kvm'),
    ],
)
def test_a_wrong_option_is_told(plugin, tmp_path, option, value):
    path = tmp_path / 'tempest.conf'
    path.write_text(f'[hypervisor_affinity]\n{option} = {value}\n')
    conf = cfg.ConfigOpts()
    conf.register_group(cfg.OptGroup('service_available'))
    plugin.register_opts(conf)
    conf(['--config-file', str(path)])
    with pytest.raises(cfg.ConfigFileValueError, match=option):
        conf.hypervisor_affinity[option]
