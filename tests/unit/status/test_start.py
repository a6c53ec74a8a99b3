# SPDX-License-Identifier: Apache-2.0
import pytest
from nova.scheduler import request_filter

from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.findings import Severity
from hypervisor_affinity.status import start

ON = Policy(placement_prefilter=True)
OFF = Policy()


def of_prefilter(policy):
    return list(start.check_prefilter(start.build(), policy))


def test_the_example_starts_with_the_prefilter(load_example):
    load_example()
    before = request_filter.ALL_REQUEST_FILTERS.copy()
    built = start.build()
    assert list(start.check(built)) == []
    assert built.has_prefilter
    assert of_prefilter(ON) == of_prefilter(OFF) == []
    assert before == request_filter.ALL_REQUEST_FILTERS


def test_a_filter_that_is_not_there(load):
    load('[filter_scheduler]\nenabled_filters = NoSuchFilter\n')
    (finding,) = start.check(start.build())
    assert finding.severity is Severity.ERROR
    assert 'NoSuchFilter' in finding.text


def test_a_wrong_option(load_example):
    load_example('[hypervisor_affinity]\nvmdk_images = sometimes\n')
    (finding,) = start.check(start.build())
    assert finding.severity is Severity.ERROR
    assert 'vmdk_images' in finding.text


def test_the_prefilter_without_the_filter(load):
    load()
    (finding,) = of_prefilter(ON)
    assert finding.severity is Severity.WARNING
    assert 'HypervisorAffinityFilter' in finding.text
    assert of_prefilter(OFF) == []


@pytest.mark.parametrize('place', [(), None])
def test_a_nova_without_the_place(load_example, monkeypatch, place):
    load_example()
    monkeypatch.setattr(request_filter, 'ALL_REQUEST_FILTERS', place)
    (finding,) = of_prefilter(ON)
    assert finding.severity is Severity.WARNING
    assert 'has no effect' in finding.text
    (finding,) = of_prefilter(OFF)
    assert finding.severity is Severity.INFO
    assert 'Leave placement_prefilter disabled' in finding.text


def test_a_nova_that_lost_the_list_altogether(load_example, monkeypatch):
    load_example()
    monkeypatch.delattr(request_filter, 'ALL_REQUEST_FILTERS')
    assert of_prefilter(ON)[0].severity is Severity.WARNING
