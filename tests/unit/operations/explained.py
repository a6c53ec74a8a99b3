# SPDX-License-Identifier: Apache-2.0
"""Explanations of requests, and what is in them."""

from hypervisor_affinity.cloud.adapters import read_image
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations import requests
from hypervisor_affinity.operations.explanation import HostCheck
from hypervisor_affinity.operations.explanation import Obstacle
from hypervisor_affinity.operations.explanation import explain
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.requests import Request
from tests import cloud_of_records as records
from tests.cloud_of_records import ISO
from tests.cloud_of_records import SMALL


def explained(hosts, image=ISO, flavor=SMALL, aggregates=(), **arguments):
    policy = Policy()
    found = read_image(image)
    demand = classify(found, flavor.extra_specs, policy)
    return explain(
        Request('a request', demand, flavor, found),
        hosts,
        HostOffers(aggregates, policy),
        policy,
        **arguments,
    )


def reasons(explanation):
    return {
        answer.check: answer.reason
        for answer in explanation.hosts[0].answers
        if not answer.passes
    }


def an_image(**properties):
    return Image('i', disk_format='iso', properties=properties)


def a_flavor(**extra_specs):
    return Flavor('f', memory_mb=1024, extra_specs=extra_specs)


def facts(explanation):
    """Return the evidence of the checks that fail, of the first host."""
    return [
        str(fact)
        for answer in explanation.hosts[0].answers
        for fact in answer.evidence
        if not answer.passes
    ]


def doubts(explanation):
    return list(map(str, explanation.hosts[0].undetermined))


DIFFERS = {HostCheck.IMAGE_PROPERTIES: Obstacle.IMAGE_PROPERTIES_DIFFER}


def rebuilt(host, image, flavor=SMALL):
    policy = Policy()
    server = records.server('a', ISO, host.name, flavor=flavor)
    return explain(
        requests.rebuild(server, image, policy),
        [host],
        HostOffers((), policy),
        policy,
    )
