# SPDX-License-Identifier: Apache-2.0
import pathlib
import re

import pytest
from oslo_upgradecheck.upgradecheck import Code

from hypervisor_affinity.status import commands
from hypervisor_affinity.status import statements
from hypervisor_affinity.status.deployment import Deployment
from tests.unit.scheduler import test_deployment as recipes

PAGE = (
    pathlib.Path(__file__).parents[3]
    / 'doc/source/cli/hypervisor-affinity-status.rst'
)
NAMES = [name for name, _ in commands.CHECKS]
# The checks that follow need databases.
OF_NOVA_CONF = commands.CHECKS[: NAMES.index('Databases')]


def unsettled(conf):
    """Return the outcomes that are no success, by check."""
    deployment = Deployment(conf)
    codes = {
        name: statements.to_result(check(deployment)).code
        for name, check in OF_NOVA_CONF
    }
    return {name: code for name, code in codes.items() if code}


def test_the_example_is_in_order(load_example):
    assert unsettled(load_example()) == {}


@pytest.mark.parametrize(
    'recipe',
    [
        recipes.kolla_ansible,
        recipes.openstack_ansible,
        recipes.openstack_helm,
    ],
)
def test_the_recipes_are_in_order(load, recipe):
    assert unsettled(load(recipe())) == {}


def test_novas_defaults(load):
    assert unsettled(load()) == {
        'Filter': Code.FAILURE,
        'Weigher': Code.FAILURE,
        'Hypervisor versions': Code.WARNING,
    }


def test_a_check_that_lacks_an_option_is_a_warning(load_example):
    text = '[hypervisor_affinity]\nvmdk_images = sometimes\n'
    deployment = Deployment(load_example(text))
    checks = dict(commands.CHECKS)
    for name, reason in (
        ('Weigher', 'an option of [hypervisor_affinity] is wrong'),
        ('Hypervisor versions', 'cannot build its filters and weighers'),
    ):
        with pytest.raises(statements.NotChecked, match=re.escape(reason)):
            list(checks[name](deployment))


@pytest.mark.parametrize(
    ('value', 'named'),
    [
        ('many', "'many'"),
        ('$nope', 'refers to an option that does not exist'),
        ('$no.pe', 'refers to an option that does not exist'),
        ('$host_subset_size', 'or to itself'),
    ],
)
def test_an_option_of_nova_that_cannot_be_read(load_example, value, named):
    text = f'[filter_scheduler]\nhost_subset_size = {value}\n'
    upgrade_commands = commands.UpgradeCommands(Deployment(load_example(text)))
    results = {
        name: run(upgrade_commands, **arguments)
        for name, (run, arguments) in upgrade_commands._upgrade_checks
        if name in ('Releases', 'Host subset size')
    }
    assert results['Releases'].code is Code.SUCCESS
    result = results['Host subset size']
    assert result.code is Code.FAILURE
    assert named in result.details
    assert 'host_subset_size' in result.details
    assert 'Correct the option' in result.details


def test_every_check_is_on_the_page():
    _, _, section = PAGE.read_text().partition('\nChecks\n======\n')
    assert re.findall(r'^``([^`]+)``$', section, re.MULTILINE) == NAMES


def test_names_are_distinct():
    assert len(set(NAMES)) == len(NAMES)


class Odd:
    """A deployment whose parts nobody has foreseen."""

    def __getattr__(self, name):
        raise RecursionError('hunter2')


def test_a_check_that_fails_does_not_hide_the_others():
    run, arguments = commands.UpgradeCommands._upgrade_checks[1][1]
    result = run(commands.UpgradeCommands(Odd()), **arguments)
    assert result.code == Code.WARNING
    assert re.fullmatch(
        r'This check cannot be judged: unexpected RecursionError in '
        r'status\.commands, line \d+. Report this.',
        result.details,
    )
