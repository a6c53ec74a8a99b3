# SPDX-License-Identifier: Apache-2.0
"""Records of decisions, made of what the core decides."""

import collections
import itertools
import uuid

from hypervisor_affinity.core import decision
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.verdict import judge
from hypervisor_affinity.decisions import record

VMDK = {'disk_format': 'vmdk'}
QCOW2 = {'disk_format': 'qcow2'}
ISO = {'disk_format': 'iso'}
DECIDED_AT = '2026-11-02T12:00:00+00:00'
_NUMBERS = itertools.count(1)


def host(family, **metadata):
    """Return what a host of an aggregate offers.

    :param family: None for a host that nobody knows
    """
    if family is not None:
        metadata['hypervisor_type'] = family
    tags = [AggregateTags('a', metadata)]
    return read_offer(tags, DriverReport(None), Policy())


def payload(image, *hosts, specs=(), policy=None, kind='boot', **demand):
    """Return what is sent of a decision.

    :param hosts: what they offer; none where the request is refused before
    :param demand: as for ``classify``
    """
    policy = policy or Policy()
    asked = classify(image, dict(specs), policy, **demand)
    verdicts = [judge(asked, each, policy) for each in hosts]
    counts = collections.Counter(each.reason for each in verdicts)
    passed = sum(not each.withholds for each in verdicts)
    decided = (
        decision.decide(
            asked, policy, verdicts, dict(counts.most_common()), passed
        )
        if hosts
        else decision.refuse(asked, policy, ())
    )
    return {
        **decided.primitive(),
        'decided_at': DECIDED_AT,
        'request_id': None,
        'server': str(uuid.UUID(int=next(_NUMBERS))),
        'project': None,
        'kind': kind,
        'look_up': None,
    }


def read(payload, message_id=None, **changes):
    """Return the record of a payload.

    :param changes: what it has instead
    """
    line = record.line('nova-scheduler:s', message_id, {**payload, **changes})
    return record.read(line)
