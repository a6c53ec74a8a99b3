# SPDX-License-Identifier: Apache-2.0
"""That nova need not look at hosts that differ in their names only."""

import random

import pytest

from hypervisor_affinity.simulation import processes
from tests.unit.simulation import stories

SCENARIOS = 15

OPTIONS = {
    'ours': {},
    'stock': stories.STOCK,
    'pre-filter': {'hypervisor_affinity': {'placement_prefilter': True}},
    'few candidates': {'scheduler': {'max_placement_results': 3}},
    'few of those that may pass': {
        'hypervisor_affinity': {'placement_prefilter': True},
        'scheduler': {'max_placement_results': 3},
    },
    'other filters': {
        'filter_scheduler': {
            'enabled_filters': [
                'AggregateIoOpsFilter',
                'AggregateInstanceExtraSpecsFilter',
                'AggregateNumInstancesFilter',
                'AggregateTypeAffinityFilter',
                'ComputeCapabilitiesFilter',
                'HypervisorAffinityFilter',
                'NUMATopologyFilter',
                'PciPassthroughFilter',
            ],
            'max_io_ops_per_host': 2,
        }
    },
    'builds count': {'filter_scheduler': {'io_ops_weight_multiplier': -9.0}},
    'servers count': {
        'filter_scheduler': {'num_instances_weight_multiplier': 9.0}
    },
    'at random among equals': {
        'filter_scheduler': {'shuffle_best_same_weighed_hosts': True}
    },
    'at random among the best': {'filter_scheduler': {'host_subset_size': 3}},
}


class Author:
    """Writes scenarios; the same number, the same scenario."""

    def __init__(self, number):
        self._random = random.Random(number)

    def cloud(self):
        choose = self._random
        hosts = [
            {
                **kind,
                'name': f'host{number}',
                'count': choose.randint(1, 4),
                'aggregates': choose.sample(
                    ['kvm', 'vmware', 'odd'], choose.randint(0, 2)
                ),
                'status': choose.choice(['enabled'] * 4 + ['disabled']),
                'vcpus': {'total': choose.choice([8, 16, 24])},
                'memory_mb': {'total': choose.choice([8192, 16384, 32768])},
            }
            for number, kind in enumerate(
                choose.choices(
                    [stories.KVM, stories.VCENTER],
                    weights=[2, 1],
                    k=choose.randint(2, 5),
                )
            )
        ]
        odd = {'name': 'odd', 'metadata': self._metadata()}
        aggregates = [*stories.CLOUD['aggregates'], odd]
        return {**stories.CLOUD, 'hosts': hosts, 'aggregates': aggregates}

    def actions(self):
        return [
            self._change() if self._random.random() < 0.25 else self._boot()
            for _ in range(self._random.randint(4, 12))
        ]

    def _boot(self):
        image = self._random.choice(['qcow2', 'vmdk', 'iso', 'wrong', None])
        return stories.boot(
            image,
            self._random.choice(['small', 'small', 'large', 'huge']),
            self._random.randint(1, 9),
            at_once=self._random.randint(1, 3),
            volume=image is None or self._random.random() < 0.2,
        )

    def _change(self):
        place = self._random.choice(
            [{'aggregate': 'kvm'}, {'aggregate': 'odd'}, {'host': 'host0-1'}]
        )
        by = self._random.choice(['migrate', 'recreate'])
        total = self._random.choice([4, 12, 16])
        return self._random.choice(
            [
                {'drain': {**place, 'by': by}},
                {'set_hosts': {**place, 'vcpus': {'total': total}}},
                {
                    'set_aggregate': {
                        'name': 'odd',
                        'metadata': self._metadata(),
                    }
                },
                {'set_image': {'name': 'vmdk', 'disk_format': 'raw'}},
                {'recreate': {'image': 'vmdk', 'count': 3}},
                {'delete': {'image': 'qcow2', 'count': 2}},
            ]
        )

    def _metadata(self):
        values = {
            'hypervisor_type': ['kvm', 'vmware', 'kvm,vmware'],
            'hypervisor_affinity_reserve': ['10', '60', 'x'],
            'hypervisor_affinity_admit': ['required'],
            'max_instances_per_host': ['2'],
            'cpu_weight_multiplier': ['-3.0'],
        }
        keys = self._random.sample(list(values), self._random.randint(0, 3))
        return {key: self._random.choice(values[key]) for key in keys}


@pytest.mark.parametrize('options', OPTIONS.values(), ids=OPTIONS)
def test_answer_is_that_of_looking_at_each_host(options):
    for number in range(SCENARIOS):
        author = Author(number)
        cloud, actions = author.cloud(), author.actions()
        quick, exact = (
            processes.play(
                stories.setting(*actions, cloud=cloud, exact=exact),
                'nova',
                options,
            )
            for exact in (False, True)
        )
        assert quick == exact, f'scenario {number}'
