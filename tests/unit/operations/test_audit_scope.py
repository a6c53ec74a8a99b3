# SPDX-License-Identifier: Apache-2.0
"""Findings of a part of a cloud."""

import pytest

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.audit import Wanted
from hypervisor_affinity.operations.audit import audit
from tests import cloud_of_records as records
from tests.cloud_of_records import VMDK
from tests.cloud_of_records import both
from tests.cloud_of_records import server

OURS = 'hypervisor_affinity:hypervisor_type'


def cloud():
    """Return a cloud in which something is wrong with everything."""
    metadata = {'hypervisor_affinity_admit': 'no'}
    return both(
        hosts=[records.kvm('kvm-1'), records.kvm('kvm-2', node='node-2')],
        aggregates=[
            Aggregate('one', 'a-1', metadata, ('kvm-1',)),
            Aggregate('two', 'a-2', metadata, ('kvm-2',)),
            Aggregate('none', 'a-3', metadata, ()),
        ],
        images=[VMDK],
        flavors=[Flavor('odd', 'f-odd', extra_specs={OURS: 'vmwrae'})],
        servers=[
            server('a', VMDK, 'kvm-1', project='red'),
            server('b', VMDK, 'kvm-2', project='red'),
            server('c', VMDK, 'kvm-2', project='blue'),
        ],
    )


def names(**wanted):
    findings = list(audit(cloud(), Policy(), wanted=Wanted(**wanted)))
    return {f'{one.about.kind} {one.about.name}' for one in findings}


FIRST = {'host kvm-1', 'aggregate one', 'server a'}
SECOND = {'host kvm-2', 'aggregate two', 'server b', 'server c'}
ALL = FIRST | SECOND | {'aggregate none', 'image vmdk', 'flavor odd'}


@pytest.mark.parametrize(
    ('wanted', 'found'),
    [
        ({}, ALL),
        ({'projects': ['red']}, {'server a', 'server b'}),
        ({'projects': ['red', 'blue']}, {f'server {x}' for x in 'abc'}),
        ({'hosts': ['kvm-1']}, FIRST),
        ({'hosts': ['node-2']}, SECOND),
        ({'hosts': ['kvm-1', 'kvm-2']}, FIRST | SECOND),
        ({'aggregates': ['two']}, SECOND),
        ({'aggregates': ['a-1']}, FIRST),
        ({'aggregates': ['none']}, {'aggregate none'}),
        ({'projects': ['red'], 'hosts': ['kvm-2']}, {'server b'}),
        ({'projects': ['blue'], 'aggregates': ['one']}, set()),
        ({'hosts': ['kvm-1'], 'aggregates': ['one']}, FIRST),
        ({'hosts': ['kvm-2'], 'aggregates': ['one']}, {'aggregate one'}),
    ],
)
def test_what_is_found_of_a_part(wanted, found):
    assert names(**wanted) == found


@pytest.mark.parametrize(
    ('wanted', 'message'),
    [
        ({'hosts': ['kvm-3']}, "no host 'kvm-3'; did you mean 'kvm-1'?"),
        ({'hosts': ['nod-2']}, "no host 'nod-2'; did you mean 'node-2'?"),
        ({'aggregates': ['tow']}, "no aggregate 'tow'; did you mean 'two'?"),
        (
            {'projects': ['bleu']},
            "no server of a project with the id 'bleu'; did you mean 'blue'?",
        ),
    ],
)
def test_what_is_not_there(wanted, message):
    with pytest.raises(Missing) as raised:
        names(**wanted)
    assert str(raised.value) == f'the records has {message}'
