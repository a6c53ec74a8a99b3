# SPDX-License-Identifier: Apache-2.0
"""What an audit finds in a cloud of records."""

from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.audit import audit
from tests.cloud_of_records import both


def found(source, policy=None):
    return [
        (finding.check, finding.about.name, finding.reason)
        for finding in audit(source, policy or Policy())
    ]


def of_servers(*servers, policy=None, **sections):
    source = both(servers=list(servers), **sections)
    return [
        (finding.check, finding.about.name, finding.reason)
        for finding in audit(source, policy or Policy())
        if finding.about.kind == 'server'
    ]
