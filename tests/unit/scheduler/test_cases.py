# SPDX-License-Identifier: Apache-2.0
"""The case table against the filter, on nova's own objects."""

import pytest
from nova import exception

from hypervisor_affinity.scheduler import filters
from hypervisor_affinity.scheduler import moves
from tests import case_table
from tests.unit.scheduler import nova_objects

READABLE = [case for case in case_table.cases() if case.nova_api != 'refuses']


def spec_of(case):
    fields = {'is_bfv': case.volume}
    make = nova_objects.request_spec
    if case.runs_on is not None:
        make = nova_objects.move_spec
    if case.rebuild:
        make = nova_objects.rebuild_spec
    return make(case.image, case.extra_specs, **fields)


def states_of(case):
    return [
        nova_objects.case_host_state(host, first_id=10 * number)
        for number, (host, _) in enumerate(case.expected, 1)
    ]


@pytest.fixture
def filter_for(options, monkeypatch):
    def build(case, **more):
        options(**case.options, **more)
        # The database is outside of a unit test; the functional tests move
        # real servers.
        found = nova_objects.origin(case)
        monkeypatch.setattr(moves, 'origin', lambda spec: found)
        return filters.HypervisorAffinityFilter()

    return build


@pytest.mark.parametrize('case', READABLE, ids=str)
def test_hosts_that_pass(case, filter_for):
    suitable = {h.name for h, reason in case.expected if reason == 'suitable'}
    chosen = filter_for(case, tell_user=False).filter_all(
        states_of(case), spec_of(case)
    )
    assert {state.host for state in chosen} == suitable


@pytest.mark.parametrize('case', READABLE, ids=str)
def test_host_passes_agrees(case, filter_for):
    one = filter_for(case)
    spec = spec_of(case)
    found = {s.host: one.host_passes(s, spec) for s in states_of(case)}
    assert found == {
        host.name: reason == 'suitable' for host, reason in case.expected
    }


@pytest.mark.parametrize(
    'case', [case for case in READABLE if case.user], ids=str
)
def test_user_reads_why(case, filter_for):
    rejecting = {h.name for h, reason in case.expected if reason != 'suitable'}
    states = [s for s in states_of(case) if s.host in rejecting]
    with pytest.raises(exception.NoValidHost) as raised:
        filter_for(case).filter_all(states, spec_of(case))
    assert str(raised.value) == f'No valid host was found. {case.user}'


@pytest.mark.parametrize(
    'case', [case for case in READABLE if case.warns], ids=str
)
def test_what_cannot_be_read_is_logged_once(case, filter_for, log):
    one = filter_for(case, tell_user=False)
    for _ in range(3):
        one.filter_all(states_of(case), spec_of(case))
    warned = [
        line
        for line in log.output.splitlines()
        if line.startswith('WARNING') and case.warns in line
    ]
    assert warned
    assert len(warned) == len(set(warned))


@pytest.mark.parametrize(
    'case',
    [case for case in case_table.cases() if case.nova_api == 'refuses'],
    ids=str,
)
def test_what_nova_refuses_before_the_scheduler(case):
    with pytest.raises(ValueError):
        nova_objects.image_meta(case.image)
