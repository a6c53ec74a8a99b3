# SPDX-License-Identifier: Apache-2.0
"""One scheduler's plug-ins under many threads, native and green.

The threads are those of ``many_requests``, which runs as a program: what
makes threads green does so for a whole process, and for good. It forks for
each of its phases.
"""

import contextlib
import functools
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
from itertools import pairwise

import pytest

pytestmark = pytest.mark.long

# Kind of threads -> nova's switch, and whose sleep() it then is.
THREADS = {'native': ('1', 'time'), 'green': ('0', 'eventlet.greenthread')}
PROGRAM = 'tests.unit.scheduler.many_requests'
ROOT = pathlib.Path(__file__).parents[3]

# Twice as many where all is run, as .ci/run does.
_TIMES = 2 if os.environ.get('HYPERVISOR_AFFINITY_FULL') else 1

REQUESTS = 5_000 * _TIMES
# Each of these is more than once around all kinds of requests.
SABOTAGED_REQUESTS = 1_000
REQUESTS_WHILE_CHANGING = 1_250 * _TIMES
# Tracing makes a request several times slower.
TRACED_REQUESTS = 1_200


@pytest.fixture(scope='module')
def run():
    """Return a function that runs a phase with each kind of threads.

    Both at the same time; it returns their output, and files with all that
    they complained of until now.
    """
    with contextlib.ExitStack() as stack:
        programs = {}
        for threads, (switch, _) in THREADS.items():
            errors = stack.enter_context(tempfile.TemporaryFile('w+'))
            program = stack.enter_context(start(switch, errors))
            stack.callback(os.killpg, program.pid, signal.SIGKILL)
            programs[threads] = program, errors

        @functools.cache
        def run(phase, requests):
            for program, _ in programs.values():
                program.stdin.write(f'{phase} {requests}\n')
                program.stdin.flush()
            return {
                threads: (program.stdout.readline(), errors)
                for threads, (program, errors) in programs.items()
            }

        yield run


def start(switch, errors):
    return subprocess.Popen(
        [sys.executable, '-W', 'ignore', '-m', PROGRAM],
        cwd=ROOT,
        env={**os.environ, 'OS_NOVA_DISABLE_EVENTLET_PATCHING': switch},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        # With its forks.
        process_group=0,
    )


@pytest.fixture(params=THREADS)
def report(request, run):
    """Return a function that runs a phase and returns its report."""

    def report(phase, requests):
        output, errors = run(phase, requests)[request.param]
        errors.seek(0)
        complaints = errors.read()
        assert output.strip(), complaints
        found = json.loads(output)
        assert found['sleep'] == THREADS[request.param][1], complaints
        return found

    return report


def check(found, requests, *steps):
    """Check that all requests got their answers, and did so in a crowd."""
    assert not found['wrong'], json.dumps(found, indent=2)
    assert found['answered'] == requests
    # Alone, no request is ever overtaken.
    for step in steps:
        assert found['overtaken'][step] > requests / 4, found['overtaken']


def test_all_get_the_answers_that_they_get_alone(report):
    found = report('same_answers', REQUESTS)
    check(found, REQUESTS, 'filter', 'weigher')


def test_each_warning_comes_once_per_process(report):
    found = report('same_answers', REQUESTS)
    assert found['warnings'] > 10
    for wrong in ('missing', 'unexpected', 'repeated'):
        assert found[wrong] == []


def test_plugins_that_keep_a_request_are_found_out(report):
    found = report('forgetful_plugins', SABOTAGED_REQUESTS)
    for step in ('prefilter', 'filter', 'weigher'):
        assert found['wrong'][f'{step} result'] > 100, found['wrong']
    for step in ('prefilter', 'filter'):
        assert found['wrong'][f'{step} lines'] > 100, found['wrong']


def test_changing_options_never_mix(report):
    found = report('changing_options', REQUESTS_WHILE_CHANGING)
    assert found['unchanged'] == []
    changing = found['changing']
    check(changing, REQUESTS_WHILE_CHANGING, 'filter', 'weigher')
    assert changing['overtaken']['prefilter'] > 0
    # Each set of options was in force for some time, and more than once.
    assert changing['changes'] > 3
    for number in '01':
        assert changing['under'][number] > 100, changing['under']


def test_a_wrong_option_is_named_once_and_changes_nothing(report):
    found = report('changing_options', REQUESTS_WHILE_CHANGING)
    check(found['wrong'], REQUESTS_WHILE_CHANGING, 'filter', 'weigher')
    # The filter and the weigher speak with one voice.
    assert len(found['errors']) == 1, found['errors']
    for line in found['errors']:
        assert 'unclassified_hosts' in line


def test_memory_stays_flat(report):
    found = report('memory', TRACED_REQUESTS)
    check(found, TRACED_REQUESTS, 'prefilter', 'filter', 'weigher')
    # The least that a request can leave behind is a slot in a list, 8 bytes:
    # from one measurement to the next, TRACED_REQUESTS of them. The same
    # requests bring 6,000 new warnings; to remember them all would take 1.5
    # MB. What was remembered before the tracing goes until the second
    # measurement; of the two steps after it, threads may disturb one.
    for part in ('ours', 'all'):
        sizes = [traced[part] for traced in found['traced'][1:]]
        growth = min(after - before for before, after in pairwise(sizes))
        assert growth < 8 * TRACED_REQUESTS, found
