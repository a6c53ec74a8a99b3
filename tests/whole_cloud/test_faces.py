# SPDX-License-Identifier: Apache-2.0
"""A faked host tells nova and Placement what one with nova's driver tells."""

import json
import re
from typing import Any, NamedTuple

import pytest

pytest.importorskip('keystone', reason='the extra `cloud` is not installed')

import sqlalchemy

from testbed.processes import compute

# The first with traits.
_MICROVERSION = '1.6'
# {pattern of traits: why a faked host has others}
DIFFERENT = {
    'HW_CPU_.*': "they are those of the machine's processor",
}


class Report(NamedTuple):
    """What a compute host reports of itself, without its sizes.

    * ``node``: of nova's table of compute nodes
    * ``inventories``: {resource class: whether one server can have it all,
      smallest amount, step}
    """

    node: dict[str, Any]
    traits: set[str]
    inventories: dict[str, tuple[bool, int, int]]


def report(cloud, host):
    engine = sqlalchemy.create_engine(cloud.site.mariadb.url('nova_cell1'))
    with engine.connect() as connection:
        (row,) = connection.execute(
            sqlalchemy.text(
                'SELECT uuid, hypervisor_type, supported_instances, cpu_info, '
                'disk_available_least FROM compute_nodes '
                'WHERE host = :host AND deleted = 0'
            ),
            {'host': host},
        ).mappings()
    engine.dispose()
    placement = cloud.admin.placement
    provider = f'/resource_providers/{row["uuid"]}'
    traits = placement.get(f'{provider}/traits', microversion=_MICROVERSION)
    inventories = placement.get(f'{provider}/inventories')
    return Report(
        node={
            'hypervisor_type': row['hypervisor_type'],
            'supported_instances': {
                tuple(instance)
                for instance in json.loads(row['supported_instances'])
            },
            'says its processor': bool(row['cpu_info']),
            'says its free disk': row['disk_available_least'] is not None,
        },
        traits=set(traits.json()['traits']),
        inventories={
            name: (
                found['max_unit'] == found['total'],
                found['min_unit'],
                found['step_size'],
            )
            for name, found in inventories.json()['inventories'].items()
        },
    )


def test_kvm(whole_cloud, real_kvm):
    faked = compute.faked_kvm_host('face-1')
    with whole_cloud.visiting(faked):
        face = report(whole_cloud, faked.name)
    real = report(whole_cloud, 'kvm-1')
    assert face.node == real.node
    assert face.inventories == real.inventories
    differing = face.traits ^ real.traits
    assert {
        trait
        for trait in differing
        if not any(re.fullmatch(pattern, trait) for pattern in DIFFERENT)
    } == set()


def test_vcenter(whole_cloud):
    assert report(whole_cloud, 'vc-2') == report(whole_cloud, 'vc-1')
