# SPDX-License-Identifier: Apache-2.0
"""That the pages for operators name all that the code reads."""

import pathlib

import pytest

from hypervisor_affinity.core import demand
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import offer
from hypervisor_affinity.core import properties

PAGES = pathlib.Path(__file__).parents[3] / 'doc/source'
RAW_NAMES = {nova: raw for raw, nova in properties.NOVA_NAMES.items()}


def words(page):
    """Return a page's text on one line, as its tables wrap."""
    return ' '.join((PAGES / page).read_text().split())


@pytest.mark.parametrize('name', properties.PROPERTY_NAMES)
def test_image_properties(name):
    text = words('classification.rst')
    assert name in text
    assert RAW_NAMES.get(name, name) in text


@pytest.mark.parametrize('adapter', properties.ADAPTER_TYPES.values())
def test_adapters(adapter):
    assert adapter in words('classification.rst')


@pytest.mark.parametrize(
    'spelling',
    [
        spelling
        for spelling, family in hypervisor.FAMILY_OF.items()
        if spelling != family
    ],
)
def test_spellings(spelling):
    assert spelling in words('classification.rst').lower()


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
    'key', (demand.HYPERVISOR_TYPE_SPEC, demand.PREFERRED_SPEC)
)
def test_flavor_extra_specs(key):
    assert f'``{key}``' in words('flavors.rst')


@pytest.mark.parametrize(
    'key',
    (
        offer.ADMIT_KEY,
        offer.RESERVE_KEY,
        offer.MULTIPLIER_KEY,
        demand.HYPERVISOR_TYPE_SPEC,
        demand.PREFERRED_SPEC,
    ),
)
def test_all_that_is_ours_can_be_removed(key):
    assert f'--property {key}' in words('upgrade.rst')
