# SPDX-License-Identifier: Apache-2.0
"""The recipes for deployment tools: the nova.conf that they lead to.

How each tool writes nova.conf is imitated here in the few lines that matter;
that these are right has been seen with the tools themselves.
"""

import logging.config
import pathlib
import re

import jinja2
import pytest
import yaml
from nova.scheduler import filters as nova_filters
from nova.scheduler import weights as nova_weights

import hypervisor_affinity
from testbed import example_conf

ROOT = pathlib.Path(__file__).parents[3]
ETC = ROOT / 'etc'
KOLLA = ETC / 'kolla-ansible'
OSA = ETC / 'openstack-ansible'
OSH = ETC / 'openstack-helm'
PAGE = ROOT / 'doc/source/deployment.rst'
DISTRIBUTION = 'hypervisor-affinity'
NAMESPACE = 'hypervisor_affinity'


def read(path):
    return yaml.safe_load(path.read_text())


def ini(sections):
    """Write {section: [(option, value)]}; an option may come again."""
    lines = []
    for section, items in sections.items():
        lines.append(f'[{section}]')
        lines += [f'{option} = {value}' for option, value in items]
    return '\n'.join(lines) + '\n'


def kolla_ansible():
    """Its merge_configs keeps repeated options, and renders Jinja2."""
    return jinja2.Template(example_conf.PATH.read_text()).render()


def openstack_ansible():
    """Its config_template: a mapping to nothing becomes repeated options."""
    variables = read(OSA / 'user_hypervisor_affinity.yml')
    sections = {}
    for section, options in variables['nova_nova_conf_overrides'].items():
        items = sections[section] = []
        for option, value in options.items():
            if isinstance(value, dict):
                assert not any(value.values())
                items += [(option, key) for key in sorted(value)]
            elif isinstance(value, list):
                items.append((option, ','.join(value)))
            else:
                items.append((option, value))
    names = ','.join(variables['nova_scheduler_default_filters'])
    sections['filter_scheduler'].append(('enabled_filters', names))
    return ini(sections)


def to_oslo_conf(values):
    """As helm-toolkit does it; a list becomes one option."""
    sections = {}
    for section, options in values.items():
        items = sections[section] = []
        for option, value in options.items():
            if isinstance(value, list):
                items.append((option, ','.join(value)))
            elif isinstance(value, dict):
                assert value['type'] == 'multistring'
                items += [(option, item) for item in value['values']]
            else:
                items.append((option, value))
    return ini(sections)


def openstack_helm():
    return to_oslo_conf(read(OSH / 'nova.yaml')['conf']['nova'])


@pytest.fixture(params=[kolla_ansible, openstack_ansible, openstack_helm])
def nova_conf(request, tmp_path):
    path = tmp_path / 'nova.conf'
    path.write_text(request.param())
    return path


@pytest.fixture
def settings(nova_conf):
    return example_conf.filter_scheduler(nova_conf)


def names(objects):
    return {type(thing).__name__ for thing in objects}


def test_nova_loads_ours_and_all_of_its_own(settings, build_host_manager):
    manager = build_host_manager()
    stock = nova_filters.HostFilterHandler().get_matching_classes(
        ['nova.scheduler.filters.all_filters']
    )
    ours = 'HypervisorAffinityFilter'
    found = set(manager.filter_cls_map)
    assert found == {cls.__name__ for cls in stock} | {ours}
    enabled = settings['enabled_filters']
    assert names(manager.enabled_filters) == set(enabled)
    for theirs in ('ComputeCapabilitiesFilter', 'ImagePropertiesFilter'):
        assert enabled.index(ours) < enabled.index(theirs)
    stock = nova_weights.HostWeightHandler().get_matching_classes(
        ['nova.scheduler.weights.all_weighers']
    )
    assert names(manager.weighers) == {cls.__name__ for cls in stock} | {
        'HypervisorAffinityWeigher'
    }
    assert settings['hypervisor_version_weight_multiplier'] == 0


def test_novas_default_filters_stay_enabled(settings):
    default = example_conf.default_filters()
    assert set(default) < set(settings['enabled_filters'])


def test_kolla_installs_the_package_in_both_images():
    overrides = (KOLLA / 'template-overrides.j2').read_text()
    install = jinja2.Environment().from_string(
        '{% macro install_pip(names) %}pip install {{ names | join(" ") }}'
        '{% endmacro %}'
    )
    for image in ('nova_scheduler', 'nova_api'):
        parent = f'{{% block {image}_footer %}}{{% endblock %}}'
        loader = jinja2.DictLoader({'parent': parent, 'child': overrides})
        template = jinja2.Environment(loader=loader).get_template('child')
        text = template.render(parent_template='parent', macros=install.module)
        assert text.strip().startswith(f'RUN pip install {DISTRIBUTION}')


def test_kolla_uses_both_images():
    assert set(read(KOLLA / 'globals.yml')) == {
        'nova_scheduler_tag',
        'nova_api_tag',
    }


def test_openstack_ansible_installs_the_package():
    variables = read(OSA / 'user_hypervisor_affinity.yml')
    assert variables['nova_user_pip_packages'] == [DISTRIBUTION]
    # More than one would mix the hosts of two hypervisors.
    assert variables['nova_scheduler_host_subset_size'] == 1


def test_openstack_helm_uses_the_image_for_both():
    tags = read(OSH / 'nova.yaml')['images']['tags']
    assert set(tags) == {'nova_scheduler', 'nova_api'}
    assert DISTRIBUTION in (OSH / 'Dockerfile').read_text()


def test_openstack_helm_shows_our_log(tmp_path):
    ours = read(OSH / 'nova.yaml')['conf']['logging']
    name = ours['logger_hypervisor_affinity']['qualname']
    assert name == hypervisor_affinity.__name__
    # The part of the chart's own that the values do not replace.
    ours['loggers']['keys'] = ['root', 'hypervisor_affinity']
    chart = {
        'logger_root': {'level': 'WARNING', 'handlers': 'null'},
        'handlers': {'keys': ['stdout', 'null']},
        'handler_null': {'class': 'logging.NullHandler', 'args': '()'},
        'handler_stdout': {'class': 'StreamHandler', 'args': '(sys.stdout,)'},
        'formatters': {'keys': ''},
    }
    path = tmp_path / 'logging.conf'
    path.write_text(to_oslo_conf({**chart, **ours}))
    logger = logging.getLogger(name)
    before = logger.handlers, logger.level
    root = logging.getLogger()
    roots = root.handlers[:], root.level
    try:
        logging.config.fileConfig(path, disable_existing_loggers=False)
        assert logger.isEnabledFor(logging.INFO)
        assert [type(h) for h in logger.handlers] == [logging.StreamHandler]
    finally:
        logger.handlers, logger.level = before
        root.handlers, root.level = roots


def test_the_page_shows_every_recipe():
    shown = set(
        re.findall(r'literalinclude:: \S*/etc/(\S+)', PAGE.read_text())
    )
    recipes = {
        path.relative_to(ETC).as_posix()
        for folder in (KOLLA, OSA, OSH)
        for path in folder.iterdir()
    }
    assert recipes <= shown
