# SPDX-License-Identifier: Apache-2.0
"""What the installed package offers to nova, by entry points alone."""

import importlib.metadata
import re

import nova.conf
import pytest
from nova import loadables
from nova import objects
from nova.objects import fields
from nova.scheduler import filters as nova_filters
from nova.scheduler import weights as nova_weights
from nova.virt.vmwareapi import constants
from stevedore import extension

from hypervisor_affinity import conf as our_conf
from hypervisor_affinity import scheduler
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.drivers import vmware
from testbed import example_conf

NAMES = {
    ('hypervisor_affinity.scheduler.filters', 'HypervisorAffinityFilter'),
    ('hypervisor_affinity.scheduler.weighers', 'HypervisorAffinityWeigher'),
    ('oslo.config.opts', 'hypervisor_affinity'),
    ('oslo.config.opts', 'hypervisor_affinity.fake_compute'),
    ('oslo.config.opts', 'hypervisor_affinity.tempest'),
    ('oslo.config.opts', 'hypervisor_affinity.vcenter'),
    ('nova.api.extra_spec_validators', 'hypervisor_affinity'),
    ('console_scripts', 'hypervisor-affinity'),
    ('openstack.cli.extension', 'hypervisor_affinity'),
    *(
        (group, prefix + command.replace(' ', separator))
        for group, prefix, separator in (
            ('hypervisor_affinity.cli', '', ' '),
            (
                'openstack.hypervisor_affinity.v1',
                'hypervisor_affinity_',
                '_',
            ),
        )
        for command in (
            'audit',
            'classify',
            'decisions',
            'explain',
            'exporter',
            'image audit',
            'image inspect',
            'image prepare',
            'image upload',
            'simulate',
            'snapshot save',
            'snapshot show',
            'vcenter check',
            'vcenter show',
        )
    ),
}
# Loaded by tests of their own: a program prepares its whole process, and
# Tempest is not here.
ELSEWHERE = {
    ('console_scripts', 'hypervisor-affinity-fake-compute'),
    ('console_scripts', 'hypervisor-affinity-status'),
    ('tempest.test_plugins', 'hypervisor_affinity'),
}


def entry_points():
    distribution = importlib.metadata.distribution('hypervisor-affinity')
    return list(distribution.entry_points)


def test_every_entry_point_loads():
    found = {(point.group, point.name): point for point in entry_points()}
    assert set(found) == NAMES | ELSEWHERE
    for name in NAMES:
        assert found[name].load() is not None


def test_nova_loads_the_filter_by_configuration_alone():
    handler = nova_filters.HostFilterHandler()
    classes = handler.get_matching_classes(
        [
            'nova.scheduler.filters.all_filters',
            'hypervisor_affinity.scheduler.all_filters',
        ]
    )
    names = [cls.__name__ for cls in classes]
    assert names.count('HypervisorAffinityFilter') == 1
    assert 'ComputeFilter' in names
    assert all(handler._is_correct_class(cls) for cls in classes)


def test_nova_loads_the_weigher_by_configuration_alone():
    handler = nova_weights.HostWeightHandler()
    classes = handler.get_matching_classes(
        [
            'nova.scheduler.weights.all_weighers',
            'hypervisor_affinity.scheduler.all_weighers',
        ]
    )
    names = [cls.__name__ for cls in classes]
    assert names.count('HypervisorAffinityWeigher') == 1
    assert isinstance(handler, loadables.BaseLoader)


def test_the_example_conf_is_one_that_nova_loads():
    conf = example_conf.load()
    names = conf.filter_scheduler.enabled_filters
    classes = nova_filters.HostFilterHandler().get_matching_classes(
        conf.filter_scheduler.available_filters
    )
    assert set(names) <= {cls.__name__ for cls in classes}
    # Whoever strikes out the last host first is who can say why.
    ours = names.index('HypervisorAffinityFilter')
    for theirs in ('ComputeCapabilitiesFilter', 'ImagePropertiesFilter'):
        assert ours < names.index(theirs)
    weighers = nova_weights.HostWeightHandler().get_matching_classes(
        conf.filter_scheduler.weight_classes
    )
    assert 'HypervisorAffinityWeigher' in {cls.__name__ for cls in weighers}


def test_the_example_conf_shows_every_option_with_its_default():
    text = example_conf.PATH.read_text()
    ((group, opts),) = our_conf.list_opts()
    _, _, section = text.partition(f'[{group.name}]')
    shown = dict(re.findall(r'^#(\w+) = (.*)$', section, re.MULTILINE))
    assert set(shown) == {opt.name for opt in opts}
    for opt in opts:
        value = opt.type(shown[opt.name])
        assert value == opt.default


def test_a_plugin_that_does_not_load_stops_the_scheduler(monkeypatch):
    class Broken:
        def __init__(self, namespace, on_load_failure_callback):
            on_load_failure_callback(self, None, ImportError('no such thing'))

    monkeypatch.setattr(extension, 'ExtensionManager', Broken)
    with pytest.raises(ImportError, match='no such thing'):
        scheduler.all_filters()


def test_every_hypervisor_type_of_nova_is_known():
    known = {t for t in fields.HVType.ALL if hypervisor.canonicalize(t)}
    assert known == set(fields.HVType.ALL)


def test_novas_names_are_fields_of_novas_object():
    assert set(properties.PROPERTY_NAMES) <= set(objects.ImageMetaProps.fields)
    assert set(properties.FORMAT_NAMES) <= set(objects.ImageMeta.fields)
    legacy = objects.ImageMetaProps._legacy_property_map
    for raw, name in properties.NOVA_NAMES.items():
        assert legacy[raw] == name


def test_disk_types_and_formats_are_the_drivers():
    assert set(constants.DISK_FORMATS_ALL) == set(vmware.DISK_FORMATS)
    assert set(constants.SUPPORTED_FLAT_VARIANTS) == (
        set(vmware.FLAT_DISK_TYPES)
    )
    driver = {
        value
        for name, value in vars(constants).items()
        if name.startswith('DISK_TYPE_')
    }
    assert driver | {*constants.SUPPORTED_FLAT_VARIANTS} == (
        set(vmware.DISK_TYPES)
    )


def test_the_default_multiplier_beats_novas_other_defaults(options):
    conf = nova.conf.CONF
    # These two are to win: a host that fails to build, another cell.
    stronger = {
        'build_failure_weight_multiplier',
        'cross_cell_move_weight_multiplier',
    }
    names = {
        name
        for name in conf.filter_scheduler
        if name.endswith('weight_multiplier')
    }
    others = sum(abs(conf.filter_scheduler[name]) for name in names - stronger)
    ours = conf.hypervisor_affinity.weight_multiplier
    # One step of an order of two hypervisors.
    assert ours / 2 > others
    assert all(ours < conf.filter_scheduler[name] for name in stronger)
