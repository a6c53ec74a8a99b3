# SPDX-License-Identifier: Apache-2.0
import pytest

from hypervisor_affinity import conf as our_conf
from hypervisor_affinity.operations.findings import Severity
from hypervisor_affinity.status import start
from hypervisor_affinity.status import weights
from tests.unit.status import hosts

MULTIPLIER = 'hypervisor_affinity_weight_multiplier'


@pytest.fixture
def setup(load_example):
    """Build nova's weighers; return them and our options."""

    def setup(**options):
        lines = [f'{name} = {value}' for name, value in options.items()]
        conf = load_example('\n'.join(['[hypervisor_affinity]', *lines, '']))
        return start.build().weighers, our_conf.read_policy(conf)

    return setup


@pytest.fixture
def nova_setup(load_example):
    """The same, with options of nova's in [filter_scheduler]."""

    def setup(**options):
        lines = [f'{name} = {value}' for name, value in options.items()]
        conf = load_example('\n'.join(['[filter_scheduler]', *lines, '']))
        return start.build().weighers, our_conf.read_policy(conf)

    return setup


def of_multiplier(weighers, policy):
    return list(weights.check_multiplier(weighers, policy))


def test_the_example_is_in_order(setup):
    weighers, policy = setup()
    assert of_multiplier(weighers, policy) == []
    assert list(weights.check_versions(weighers)) == []


def test_novas_defaults(load):
    conf = load()
    weighers = start.build().weighers
    # Ours is not at work, which is another check's finding.
    assert of_multiplier(weighers, our_conf.read_policy(conf)) == []
    (finding,) = weights.check_versions(weighers)
    assert finding.severity is Severity.WARNING
    assert 'hypervisor_version_weight_multiplier is 1:' in finding.text


def test_versions_are_no_matter_without_the_weigher(nova_setup):
    weighers, _ = nova_setup(
        weight_classes='nova.scheduler.weights.ram.RAMWeigher',
        hypervisor_version_weight_multiplier=1,
    )
    assert list(weights.check_versions(weighers)) == []


@pytest.mark.parametrize(
    ('value', 'effect'), [('0', 'disables it'), ('-5', 'reverses the order')]
)
def test_a_multiplier_that_does_not_order(setup, value, effect):
    (finding,) = of_multiplier(*setup(weight_multiplier=value))
    assert finding.severity is Severity.WARNING
    assert effect in finding.text


def test_no_order_is_no_matter(setup):
    assert of_multiplier(*setup(preferred_hypervisors='')) == []


def test_one_step_has_to_outweigh_all_others(setup):
    # Eight of nova's weighers have the multiplier 1 or -1 by default, and
    # of two hypervisors each is a step of half the multiplier.
    (finding,) = of_multiplier(*setup(weight_multiplier=16))
    assert finding.severity is Severity.WARNING
    assert 'together up to 8.' in finding.text
    assert 'above 16.' in finding.text
    assert of_multiplier(*setup(weight_multiplier=16.1)) == []
    longer = 'kvm,vmware,baremetal'
    assert of_multiplier(
        *setup(weight_multiplier=24, preferred_hypervisors=longer)
    )


def test_the_multipliers_of_others_are_read(nova_setup):
    assert of_multiplier(*nova_setup(ram_weight_multiplier=-30)) == []
    (finding,) = of_multiplier(*nova_setup(ram_weight_multiplier=-60))
    assert 'a step in the order of hypervisors weighs 50' in finding.text


def test_what_is_to_win_is_told(nova_setup):
    (finding,) = of_multiplier(*nova_setup(build_failure_weight_multiplier=99))
    assert finding.severity is Severity.WARNING
    assert 'BuildFailureWeigher must take precedence' in finding.text
    # Switched off by somebody.
    assert of_multiplier(*nova_setup(build_failure_weight_multiplier=0)) == []


def test_strict_placement_needs_no_order(setup):
    strict = setup(weight_multiplier=0, flexible_placement='strict')
    assert of_multiplier(*strict) == []


@pytest.mark.parametrize(
    ('family', 'override', 'displaced'),
    [
        ('kvm', '100', False),
        ('kvm', '300', False),
        ('kvm', '0', True),
        ('kvm', '51', True),
        ('vmware', '100', False),
        ('vmware', '0', False),
        ('vmware', '150', False),
        ('vmware', '300', True),
    ],
)
def test_an_override_may_break_the_order(setup, family, override, displaced):
    weighers, policy = setup()
    tagged = hosts.aggregate(
        family, hypervisor_type=family, **{MULTIPLIER: override}
    )
    make = {'kvm': hosts.kvm, 'vmware': hosts.vcenter}[family]
    found = list(
        weights.check_overrides(
            weighers,
            policy,
            hosts.offering(make('a', [tagged]), make('b', [tagged])),
        )
    )
    assert len(found) == displaced
    if displaced:
        assert found[0].severity is Severity.WARNING
        assert f'{MULTIPLIER}={override}' in found[0].text
        assert '2 hosts (a, b)' in found[0].text


def test_the_oldest_release_may_lack_a_weigher(setup):
    weighers, policy = setup()
    fewer = [w for w in weighers if type(w).__name__ != 'CrossCellWeigher']
    assert len(fewer) < len(weighers)
    assert of_multiplier(fewer, policy) == []
