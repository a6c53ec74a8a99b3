# SPDX-License-Identifier: Apache-2.0
"""That the pages for operators name all that the code reads."""

import pathlib
import re

import pytest

from hypervisor_affinity.core import capabilities
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import offer
from hypervisor_affinity.core import properties
from hypervisor_affinity.core import signs

PAGES = pathlib.Path(__file__).parents[3] / 'doc/source'
RAW_NAMES = {nova: raw for raw, nova in properties.NOVA_NAMES.items()}


def words(page):
    """Return a page's text on one line, as its tables wrap."""
    return ' '.join((PAGES / page).read_text().split())


def literals(text):
    return re.findall('``(.+?)``', text)


def table(page, head):
    """Return the rows of a list-table, each cell as its literals.

    :param head: its first column's head
    """
    text = words(page).partition(f'* - {head} - ')[2].partition(' .. ')[0]
    rows = text.split(' * - ')[1:]
    cells = [re.split(r'(?<!\*) - ', row) for row in rows]
    return [list(map(literals, row)) for row in cells]


# What nova makes of what is in Glance: names, and the values in the notes.
HANDED_ON = {
    tuple(glances): (novas, note)
    for glances, novas, note, *_ in table('classification.rst', 'In Glance')
}


@pytest.mark.parametrize('name', properties.PROPERTY_NAMES)
def test_image_properties(name):
    text = words('classification.rst')
    assert name in {each.partition('=')[0] for each in literals(text)}
    if name in RAW_NAMES:
        assert HANDED_ON[RAW_NAMES[name],][0] == [name]


def test_adapters():
    _, note = HANDED_ON['vmware_adaptertype',]
    assert set(note) == {
        *properties.ADAPTER_TYPES,
        *properties.ADAPTER_TYPES.values(),
        *('ide', 'hw_disk_bus=scsi', 'hw_disk_bus=ide'),
    }


def test_network_adapters():
    _, note = HANDED_ON['hw_vif_model',]
    vspheres, novas = note[: len(note) // 2], note[len(note) // 2 :]
    shown = dict(zip(map(str.lower, vspheres), novas, strict=True))
    assert shown == properties.VIF_MODELS


@pytest.mark.parametrize(
    ('page', 'directive'),
    [
        ('classification.rst', 'driver-signs'),
        ('classification.rst', 'driver-tables'),
        ('classification.rst', 'hypervisor-spellings'),
        ('aggregates.rst', 'driver-reports'),
    ],
)
def test_tables_that_are_generated(page, directive):
    assert f'.. {directive}::' in words(page)


@pytest.mark.parametrize(
    'key',
    (
        *offer.HYPERVISOR_TYPE_KEYS,
        *properties.CONSTRAINT_KEYS,
        offer.ADMIT_KEY,
        offer.RESERVE_KEY,
        offer.MULTIPLIER_KEY,
    ),
)
def test_aggregate_metadata(key):
    assert f'``{key}``' in words('aggregates.rst')


@pytest.mark.parametrize(
    'key', (signs.HYPERVISOR_TYPE_SPEC, signs.PREFERRED_SPEC)
)
def test_flavor_extra_specs(key):
    assert f'``{key}``' in words('flavors.rst')


@pytest.mark.parametrize('key', capabilities.HYPERVISOR_TYPE_SPECS)
def test_novas_own_keys(key):
    assert f'``{key}``' in words('flavors.rst')


# A row of the table: what a flavor may say, and what it then needs.
NOVAS_VALUES = re.findall(
    r'\* - (``[^,:*]+``(?:, ``[^,:*]+``)*) - ([^*`]+?)(?= \* -| The value)',
    words('flavors.rst').partition('- The request needs')[2],
)


def test_the_table_of_values_of_novas_own_key():
    assert len(NOVAS_VALUES) == 6


@pytest.mark.parametrize(('values', 'needs'), NOVAS_VALUES)
def test_values_of_novas_own_key(values, needs):
    for value in re.findall('``(.+?)``', values):
        families = capabilities.families(value)
        if needs.startswith('Any hypervisor but '):
            assert capabilities.families('s!= none') - families == {
                hypervisor.canonicalize(needs.split()[-1])
            }
        elif needs.startswith('Nothing matches'):
            assert not families
        else:
            assert needs.partition(':')[0] == hypervisor.title(families)


@pytest.mark.parametrize(
    'key',
    (
        offer.ADMIT_KEY,
        offer.RESERVE_KEY,
        offer.MULTIPLIER_KEY,
        signs.HYPERVISOR_TYPE_SPEC,
        signs.PREFERRED_SPEC,
    ),
)
def test_all_that_is_ours_can_be_removed(key):
    assert f'--property {key}' in words('upgrade.rst')


def test_what_is_promised_is_tested():
    tests = pathlib.Path(__file__).parents[2]
    text = (PAGES.parents[1] / 'SECURITY.rst').read_text()
    named = re.findall(r'``([a-z_/]+\.py)``', text)
    assert len(named) > 30
    assert [name for name in named if not (tests / name).exists()] == []
