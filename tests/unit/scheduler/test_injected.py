# SPDX-License-Identifier: Apache-2.0
"""Whatever fails inside of the plug-ins, nova sees NoValidHost or nothing.

An exception is raised in one function of the package after another, while a
request passes pre-filter, filter and weigher.
"""

import collections
import copy
import logging
import pathlib
import sys

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from nova import exception
from nova.scheduler import request_filter
from nova.scheduler import weights as nova_weights

import hypervisor_affinity
from hypervisor_affinity.scheduler import moves
from tests.unforeseen import Unspeakable
from tests.unit.scheduler import nova_objects as build
from tests.unit.scheduler import test_cases

# Where a generator is closed in which it was raised.
pytestmark = pytest.mark.filterwarnings(
    'ignore::pytest.PytestUnraisableExceptionWarning'
)

PACKAGE = str(pathlib.Path(hypervisor_affinity.__file__).parent)
# What nova calls: they are what has to hold.
OUTERMOST = {'filter_all', 'host_passes', 'weigh_objects', '__call__'}


ERRORS = [Unspeakable, KeyError, RecursionError, NotImplementedError]


class Saboteur:
    """Raises in the call of the package with that number."""

    def __init__(self, number, error):
        self.calls = 0
        self.has_raised = False
        self._number = number
        self._error = error

    def __call__(self, frame, event, arg):
        code = frame.f_code
        if code.co_filename.startswith(PACKAGE) and (
            code.co_name not in OUTERMOST
        ):
            self.calls += 1
            if self.calls == self._number:
                self.has_raised = True
                raise self._error


def ask(step, *arguments):
    """Return what a step answers; None for NoValidHost."""
    try:
        return step(*arguments)
    except exception.NoValidHost:
        return None


class Row:
    """A row of the table, which is asked about again and again."""

    def __init__(self, scheduler, case):
        self._scheduler = scheduler
        self._states = test_cases.states_of(case)
        self._weighed = [
            nova_weights.WeighedHost(state, 0.0) for state in self._states
        ]
        self._template = test_cases.spec_of(case)
        self._expected = self._answers(None)

    def sabotage(self, number, error):
        """Raise once; return whether there were so many calls."""
        saboteur = Saboteur(number, error)
        chosen, passes, weights = self._answers(saboteur)
        # No host is guessed: what fails takes hosts away and never adds one.
        assert chosen <= self._expected[0]
        assert not passes or self._expected[1]
        assert len(weights) == len(self._states)
        return saboteur.has_raised

    def _spec(self):
        # Its own for each step, so that none has anything remembered.
        spec = copy.copy(self._template)
        if 'requested_destination' in spec:
            destination = copy.copy(spec.requested_destination)
            spec.requested_destination = destination
        return spec

    def _answers(self, saboteur):
        specs = [self._spec() for _ in range(4)]
        prefilter, one, weigher = self._scheduler
        sys.settrace(saboteur)
        try:
            ask(prefilter, None, specs[0])
            chosen = ask(one.filter_all, self._states, specs[1])
            passes = ask(one.host_passes, self._states[0], specs[2])
            weights = ask(weigher.weigh_objects, self._weighed, specs[3])
        finally:
            sys.settrace(None)
        return {state.host for state in chosen or ()}, passes, weights


Scheduler = collections.namedtuple('Scheduler', 'prefilter filter weigher')


@pytest.fixture
def scheduler(build_host_manager, caplog):
    # At DEBUG, there is more that may fail.
    caplog.set_level(logging.DEBUG, 'hypervisor_affinity')
    manager = build_host_manager(
        build.aggregate(1, {'hypervisor_type': 'kvm'}, ['kvm']),
        build.aggregate(2, {'hypervisor_type': 'vmware'}, ['vcenter']),
        placement_prefilter=True,
    )
    weigher = next(
        one
        for one in manager.weighers
        if type(one).__name__ == 'HypervisorAffinityWeigher'
    )
    return Scheduler(
        request_filter.ALL_REQUEST_FILTERS[-1],
        manager.filter_obj_map['HypervisorAffinityFilter'],
        weigher,
    )


@pytest.fixture
def row_of(scheduler, monkeypatch):
    rows = {}

    def find(case):
        found = build.origin(case)
        monkeypatch.setattr(moves, 'origin', lambda spec: found)
        if str(case) not in rows:
            rows[str(case)] = Row(scheduler, case)
        return rows[str(case)]

    return find


# Of each kind one: boots, moves, reserves, limits, refusals, rebuilds.
NAMES = (
    'a bare VMDK needs VMware',
    'a flexible server that grows leaves the reserve free',
    'a limit on properties applies to moves',
    'rebuild with an image that the host cannot boot',
)
CASES = [case for case in test_cases.READABLE if case.case in NAMES]


def test_the_rows_are_there():
    assert len(CASES) == len(NAMES)


@pytest.mark.long
@pytest.mark.parametrize('case', CASES, ids=str)
def test_every_call_may_fail(row_of, case):
    row = row_of(case)
    number = 1
    while row.sabotage(number, ERRORS[number % len(ERRORS)]):
        number += 1
    # Fewer would mean that nothing was traced.
    assert number > 100


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    case=st.sampled_from(test_cases.READABLE),
    number=st.integers(1, 900),
    error=st.sampled_from(ERRORS),
)
def test_any_call_may_fail_for_any_row(row_of, case, number, error):
    row_of(case).sabotage(number, error)
