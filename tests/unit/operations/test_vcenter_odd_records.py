# SPDX-License-Identifier: Apache-2.0
"""Whatever a vCenter has told, all else is checked, too."""

import contextlib
import copy
import dataclasses
import json

import hypothesis
import msgspec
from hypothesis import strategies as st

from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.vcenter import health
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from tests import vcenter_records as records
from tests.vcenter_records import cluster
from tests.vcenter_records import conf
from tests.vcenter_records import hosts
from tests.vcenter_records import nova
from tests.vcenter_records import server
from tests.vcenter_records import vcenter
from tests.wrong_answers import CHANGES
from tests.wrong_answers import changed
from tests.wrong_answers import places

GOOD = vcenter(
    cluster(
        hosts=hosts({'maintenance': True}, {'power': 'standBy'}),
        vms=records.vms(1, 2),
        drs='manual',
    ),
    computes=(conf(datastore_regex='shared'),),
    other_clusters={'domain-c9': 'test'},
)
# Another one, of which something is always found.
OTHER = vcenter(
    cluster(id='domain-c1', name='other', drs='off'),
    name='other.example.org',
    uuid=records.OTHER_UUID,
    computes=(
        conf(file='/etc/nova/other.conf', host='vc-2', cluster='other'),
    ),
)
# As a file has it, with all that is at its default.
DOCUMENT = json.loads(
    json.dumps(
        {
            **msgspec.structs.asdict(GOOD),
            'computes': [msgspec.structs.asdict(c) for c in GOOD.computes],
            'clusters': [
                {
                    **msgspec.structs.asdict(one),
                    'hosts': list(map(msgspec.structs.asdict, one.hosts)),
                    'datastores': list(
                        map(msgspec.structs.asdict, one.datastores)
                    ),
                }
                for one in GOOD.clusters
            ],
        }
    )
)
WAYS = [way for way in places(DOCUMENT) if way]


def found(one):
    """Return what is found where this is one of two vCenters."""
    host = nova()
    source = records.cloud(
        vcenters=[one, OTHER],
        servers=[server(1, host), server(3, host)],
    )
    return list(health.check(source, Policy(), None))


def test_the_document_is_the_record():
    assert msgspec.convert(DOCUMENT, VCenter) == GOOD
    assert {finding.check for finding in found(GOOD)} >= {
        VCenterCheck.DRS_MANUAL,
        VCenterCheck.SERVER_WITHOUT_VM,
        VCenterCheck.VM_WITHOUT_SERVER,
    }


@hypothesis.given(
    st.lists(
        st.tuples(st.sampled_from(WAYS), st.sampled_from(CHANGES)),
        min_size=1,
        max_size=4,
    )
)
@hypothesis.example([(('computes', 0, 'datastore_regex'), 'a large pattern')])
def test_any_record(changes):
    document = copy.deepcopy(DOCUMENT)
    for way, change in changes:
        odd = changed(document, way, change)
        # What no record can hold is refused where it is read.
        with contextlib.suppress(msgspec.ValidationError, UnicodeError):
            msgspec.convert(odd, VCenter)
            document = odd
    one = msgspec.convert(document, VCenter)
    findings = found(one)
    assert VCenterCheck.NOT_JUDGED not in {
        finding.check for finding in findings
    }
    assert (VCenterCheck.DRS_OFF, OTHER.name, 'other') in {
        (finding.check, finding.about.vcenter, finding.about.cluster)
        for finding in findings
    }
    for finding in findings:
        texts = (*dataclasses.astuple(finding.about), finding.evidence)
        assert all(isinstance(text, str) for text in texts)
