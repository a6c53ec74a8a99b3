# SPDX-License-Identifier: Apache-2.0
"""Working out once per offer, and saying once per process."""

import threading

from hypervisor_affinity.scheduler import notices
from hypervisor_affinity.scheduler.per_offer import once_per_offer
from tests.unit.scheduler import nova_objects as build


def count_calls(states):
    calls = []
    results = list(once_per_offer(lambda s: calls.append(s) or s.host, states))
    return len(calls), results


def test_once_for_hosts_that_offer_the_same():
    tags = [build.aggregate(n, {}) for n in (1, 2)]
    states = [build.host_state(f'h{n}', aggregates=tags) for n in range(9)]
    assert count_calls(states) == (1, ['h0'] * 9)


def test_anew_for_every_difference():
    first, second = (build.aggregate(n, {}) for n in (1, 2))
    states = [
        build.host_state('a'),
        build.host_state('b', aggregates=[first]),
        build.host_state('c', aggregates=[second]),
        build.host_state('d', aggregates=[first, second]),
        build.host_state('e', 'fake', aggregates=[first]),
        build.host_state('f', 'Parallels', ('parallels',)),
        build.host_state('g', 'Parallels', ('vz',)),
    ]
    calls, results = count_calls(states + states)
    assert calls == 7
    assert results == list('abcdefg' * 2)


def test_an_aggregate_that_was_replaced_is_another_one():
    states = [
        build.host_state('a', aggregates=[build.aggregate(1, {})]),
        build.host_state('b', aggregates=[build.aggregate(1, {})]),
    ]
    assert count_calls(states) == (2, ['a', 'b'])


def test_an_odd_host_is_like_no_other():
    states = [build.host_state('a') for _ in range(3)]
    for state in states:
        state.aggregates = None
    assert count_calls(states)[0] == 3


def test_a_statement_is_due_once():
    said = notices.Notices()
    assert [said.remember(text) for text in ('a', 'b', 'a')] == [
        True,
        True,
        False,
    ]


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(notices, '_REMEMBERED', 3)
    said = notices.Notices()
    for text in 'abcd':
        assert said.remember(text)
    assert not said.remember('d')
    assert said.remember('a')


def test_threads_say_it_once():
    said = notices.Notices()
    due = []
    barrier = threading.Barrier(8)

    def speak():
        barrier.wait()
        due.extend(n for n in range(200) if said.remember(f'{n}'))

    threads = [threading.Thread(target=speak) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(due) == list(range(200))
