# SPDX-License-Identifier: Apache-2.0
"""What the plug-in's files promise, without a DevStack."""

import pathlib
import re

import pytest

from hypervisor_affinity import conf
from hypervisor_affinity.fake_compute import options as fake_compute
from hypervisor_affinity_tempest_plugin import config as tempest

DEVSTACK = pathlib.Path(__file__).parents[3] / 'devstack'
SETTINGS = (DEVSTACK / 'settings').read_text()
CODE = '\n'.join(
    path.read_text()
    for path in [DEVSTACK / 'plugin.sh', *sorted(DEVSTACK.glob('lib/*'))]
)
_ASSIGNMENT = re.compile(r'^ *(HYPERVISOR_AFFINITY_\w+)=', re.M)


def _variables():
    return sorted(set(_ASSIGNMENT.findall(SETTINGS)))


def _option(variable):
    return variable.removeprefix('HYPERVISOR_AFFINITY_').lower()


def _option_names():
    ((_, options),) = conf.list_opts()
    return {option.name for option in options}


@pytest.mark.parametrize('variable', _variables())
def test_each_variable_is_read(variable):
    used = f'${variable}' in CODE or f'${variable}' in SETTINGS
    # These are read by the name that is made of an option's.
    assert used or _option(variable) in _option_names()


@pytest.mark.parametrize('variable', _variables())
def test_each_variable_has_a_comment(variable):
    first = re.search(rf'^ *{variable}=', SETTINGS, re.M).start()
    paragraph = SETTINGS[:first].rpartition('\n\n')[2]
    assert paragraph.startswith('# ')


def test_each_option_of_nova_conf_has_a_variable():
    there = {_option(variable) for variable in _variables()}
    assert _option_names() <= there
    for name in _option_names():
        assert re.search(rf'\b{name}\b', CODE), name


def test_fake_vcenter_is_given_options_that_it_has():
    ((group, options),) = fake_compute.list_opts()
    given = re.findall(rf'iniset "\$conf" {group} (\w+)', CODE)
    assert sorted(given) == sorted(option.name for option in options)


def test_tempest_is_told_all_that_its_tests_look_at():
    text = (DEVSTACK / 'lib/tempest_conf').read_text()
    told = {
        name for name in _option_names() if re.search(rf'\b{name}\b', text)
    }
    assert told == _option_names() & {option.name for option in tempest.opts}


def test_no_variable_is_misspelt():
    used = set(re.findall(r'\$\{?(HYPERVISOR_AFFINITY_\w+)', CODE + SETTINGS))
    assert used <= set(_variables())


def test_devstack_finds_the_packages_name():
    # As setup_develop reads it, by awk's fields.
    lines = (DEVSTACK.parent / 'setup.cfg').read_text().splitlines()
    (name,) = [line.split()[2] for line in lines if line.startswith('name')]
    assert name == 'hypervisor-affinity'
