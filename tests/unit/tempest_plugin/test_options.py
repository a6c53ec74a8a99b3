# SPDX-License-Identifier: Apache-2.0
"""tempest.conf asks for what nova.conf has, with the same defaults."""

import pathlib

import pytest

from hypervisor_affinity import conf
from hypervisor_affinity_tempest_plugin import config
from hypervisor_affinity_tempest_plugin import disks

# What nova.conf does not tell.
OF_THE_TESTS = {'extra_spec_validation', 'kvm_image_ref', 'vmware_image_ref'}

OPTIONS = {opt.name: opt for opt in config.opts}
NOVA_OPTIONS = {opt.name: opt for _, opts in conf.list_opts() for opt in opts}


def values(opt):
    return list(getattr(opt.type, 'choices', None) or ())


def test_which_options_are_nova_confs():
    assert OPTIONS.keys() - NOVA_OPTIONS.keys() == OF_THE_TESTS


@pytest.mark.parametrize('name', sorted(OPTIONS.keys() & NOVA_OPTIONS.keys()))
def test_an_option_is_as_in_nova_conf(name):
    ours, novas = OPTIONS[name], NOVA_OPTIONS[name]
    assert ours.default == novas.default
    assert values(ours) == values(novas)


@pytest.mark.parametrize('name', OPTIONS)
def test_an_option_has_an_effect(name):
    tests = pathlib.Path(disks.__file__).parent / 'tests'
    code = ''.join(path.read_text() for path in tests.rglob('*.py'))
    assert f'CONF.hypervisor_affinity.{name}' in code
    assert OPTIONS[name].help.strip()
