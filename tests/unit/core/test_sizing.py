# SPDX-License-Identifier: Apache-2.0
"""The numbers on the page about sizing, worked out again."""

import math
import pathlib
import re

import pytest

from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.verdict import Room
from hypervisor_affinity.core.verdict import judge
from hypervisor_affinity.core.verdict import judge_room

PAGE = pathlib.Path(__file__).parents[3] / 'doc/source/sizing.rst'

HOSTS = 20
RAM, THREADS = 512, 64
VCPU_RATIO = 4
RAM_LIMIT = HOSTS * RAM
VCPU_LIMIT = HOSTS * THREADS * VCPU_RATIO
IMAGES = {'flexible': {'disk_format': 'iso'}, 'bound': {'disk_format': 'vmdk'}}


def rows(pattern):
    """Return the matches of a pattern as a table's rows have them."""
    found = re.findall(f'^{pattern}$', PAGE.read_text(), re.MULTILINE)
    assert found
    return [[cell.replace(',', '') for cell in row] for row in found]


def verdict(kind, ram_used, ram_asked, reserve):
    tags = {'hypervisor_type': 'vmware'}
    tags['hypervisor_affinity_reserve'] = str(reserve)
    report = DriverReport('VMware vCenter Server', ('vmware',))
    policy = Policy()
    offer = read_offer([AggregateTags('vmware', tags)], report, policy)
    demand = classify(IMAGES[kind], {}, policy)
    room = Room(RAM_LIMIT, ram_used, ram_asked, VCPU_LIMIT, 0, 1)
    return judge_room(judge(demand, offer, policy), room).reason


def test_the_clusters_limits():
    text = PAGE.read_text()
    assert f'limit {RAM_LIMIT:,} GiB' in text
    assert f'limit {VCPU_LIMIT:,} vCPUs' in text


@pytest.mark.parametrize(
    'row',
    rows(
        r'(\d+) +(\d+) GiB +(\d+) +([\d.]+) hosts +([\d.]+) hosts'
        r' +(\d+) +(\d+)'
    ),
)
def test_how_many_hosts(row):
    servers, ram, vcpus, by_ram, by_vcpus, spare, hosts = map(float, row)
    assert by_ram == round(servers * ram / RAM, 2)
    assert by_vcpus == round(servers * vcpus / (THREADS * VCPU_RATIO), 2)
    assert hosts == math.ceil(max(by_ram, by_vcpus)) + spare


def test_how_large_a_reserve():
    to_come = 50 * 8, 50 * 4
    spare = RAM, THREADS * VCPU_RATIO
    shares = [
        100 * (wanted + more) / limit
        for wanted, more, limit in zip(
            to_come, spare, (RAM_LIMIT, VCPU_LIMIT), strict=True
        )
    ]
    setting = r'``hypervisor_affinity_reserve=(\d+)``'
    (reserve,) = re.findall(setting, PAGE.read_text())
    assert int(reserve) == math.ceil(max(shares))


@pytest.mark.parametrize(
    'row',
    rows(
        r'([\d,]+) GiB +([\d,]+) GiB +(flexible|bound) +([\d,]+) GiB'
        r' +(\w+)'
    ),
)
def test_what_a_reserve_does(row):
    bound, flexible, kind, free, expected = row
    used = int(bound) + int(flexible)
    assert RAM_LIMIT - used - 8 == int(free)
    assert verdict(kind, used, 8, reserve=10) == expected
