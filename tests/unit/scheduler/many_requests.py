# SPDX-License-Identifier: Apache-2.0
"""Many requests at once to the plug-ins of one scheduler.

Reads the phases to run from standard input, one a line, and prints a line for
each: its report as JSON, or nothing if it failed.

The threads are nova's: ``OS_NOVA_DISABLE_EVENTLET_PATCHING`` makes them
native or green. Each kind of request is first answered alone; in the crowd it
must get the same answers, and the same lines in the log.
"""

import collections
import gc
import itertools
import json
import logging
import os
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time
import tracemalloc
import uuid

# The one that is not made green.
from os import waitpid
from typing import Any, NamedTuple

# The first that is not Python's own: this import makes the threads green.
import nova.cmd.scheduler
import nova.conf
from nova import exception

import hypervisor_affinity
from hypervisor_affinity import conf
from hypervisor_affinity.scheduler import moves
from tests.unit.scheduler import nova_objects
from tests.unit.scheduler.crowd import CROWD
from tests.unit.scheduler.crowd import SERVER
from tests.unit.scheduler.crowd import Listener
from tests.unit.scheduler.plugin_steps import STEPS
from tests.unit.scheduler.plugin_steps import ForgetfulScheduler
from tests.unit.scheduler.plugin_steps import Scheduler
from tests.unit.scheduler.request_kinds import flood
from tests.unit.scheduler.request_kinds import more_kinds
from tests.unit.scheduler.request_kinds import table_kinds

THREADS = 32
SEED = 34
# Against a phase that hangs; none takes as long on the slowest machine.
TIMEOUT = 1800

FIRST = {'placement_prefilter': 'true'}
# Differs in every option, so that a request that reads some of them before a
# change and some after it gets answers that belong to neither.
SECOND = {
    'preferred_hypervisors': 'vmware,ironic,kvm',
    'flexible_placement': 'strict',
    'unclassified_hosts': 'any',
    'vmdk_images': 'flexible',
    'placement_prefilter': 'false',
    'weight_multiplier': '7',
    'tell_user': 'false',
    'mode': 'observe',
    'decision_notifications': 'true',
}
WRONG = {**SECOND, 'unclassified_hosts': 'some'}
REQUESTS_PER_CHANGE = 100

OUR_FILES = str(pathlib.Path(hypervisor_affinity.__file__).parent / '*')


class Answer(NamedTuple):
    """What came of a step: its result, and the lines logged meanwhile."""

    result: Any
    lines: list[str]


class Tally:
    """What one thread saw.

    :ivar overtaken: per step, requests during which others went on
    :ivar under: per set of options, answers that not all sets give
    :ivar wrong: per step, answers that no set of options gives
    """

    def __init__(self):
        self.answered = 0
        self.overtaken = collections.Counter()
        self.under = collections.Counter()
        self.wrong = collections.Counter()
        self.examples = []

    def compare(self, kind, found, accepted):
        """Count the answers to one request.

        :param accepted: the answers under each set of options
        """
        self.answered += 1
        for step, answer in found.items():
            expected = [answers[step] for answers in accepted]
            right = [n for n, one in enumerate(expected) if one == answer]
            if not right:
                self._complain(kind, step, answer, expected)
            elif len(right) < len(expected):
                self.under.update(right)

    def _complain(self, kind, step, answer, expected):
        self.wrong[step] += 1
        for field, value in answer._asdict().items():
            if value not in [getattr(one, field) for one in expected]:
                self.wrong[f'{step} {field}'] += 1
        if not self.examples:
            self.examples = [
                {
                    'request': kind.name,
                    'step': step,
                    'expected': expected,
                    'found': answer,
                }
            ]


class Requests:
    """What may be asked of a scheduler.

    :param make: returns the Scheduler to ask next
    """

    _numbers = itertools.count(1)

    def __init__(self, kinds, make):
        self._kinds = kinds
        self._make = make
        # The database is outside.
        moves.origin = self._origin

    def ask_alone(self):
        """Return the answers to one request of each kind."""
        return [
            self._ask(index, collections.Counter())
            for index in range(len(self._kinds))
        ]

    def ask_all(self, order, *accepted, meanwhile=lambda answered: None):
        """Ask in all threads at once; return what they saw.

        :param order: the kinds of the requests
        :param accepted: each kind's answers, for each set of options
        :param meanwhile: called again and again with the number answered
        """
        # Spares the collector half a million objects of nova's modules.
        gc.collect()
        gc.freeze()
        tallies = [Tally() for _ in range(THREADS)]

        def work(number):
            tally = tallies[number]
            for index in order[number::THREADS]:
                found = self._ask(index, tally.overtaken)
                tally.compare(
                    self._kinds[index], found, [one[index] for one in accepted]
                )

        threads = [
            threading.Thread(target=work, args=(number,))
            for number in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            meanwhile(sum(tally.answered for tally in tallies))
            time.sleep(0.001)
        return _report(tallies)

    def _ask(self, index, overtaken):
        kind = self._kinds[index]
        server = str(uuid.UUID(int=index << 64 | next(self._numbers)))
        spec = kind.spec_for(server)
        hosts = kind.hosts_for(server)
        scheduler = self._make()
        answers = {}
        for name, step in STEPS.items():
            visit = CROWD.enter(name, server)
            result = step.ask(step.plugin(scheduler), spec, hosts)
            if isinstance(result, str):
                result = result.replace(server, SERVER)
            lines = visit.lines
            if name == 'weigher':
                # They rest on the filter's step too, which may have come
                # before a change of the options.
                lines = [line for line in lines if 'Mode observe' not in line]
            answers[name] = Answer(result, lines)
            overtaken[name] += visit.is_overtaken
        return answers

    def _origin(self, spec):
        CROWD.give_way()
        index = uuid.UUID(spec.instance_uuid).int >> 64
        kind = self._kinds[index]
        if kind.runs_on is None:
            raise exception.ComputeHostNotFound(host='gone')
        found = nova_objects.origin(kind.case)
        return found._replace(families=kind.runs_on)


def _report(tallies):
    def total(name):
        return sum((getattr(t, name) for t in tallies), collections.Counter())

    return {
        'answered': sum(tally.answered for tally in tallies),
        'overtaken': total('overtaken'),
        'under': total('under'),
        'wrong': total('wrong'),
        'examples': [e for tally in tallies for e in tally.examples][:3],
    }


def shuffled(indexes, count):
    """Return that many indexes, each about as often as the others."""
    order = list(itertools.islice(itertools.cycle(indexes), count))
    random.Random(SEED).shuffle(order)
    return order


class Options:
    """The nova.conf of this process."""

    def __init__(self, path):
        self._path = path
        self._write({})
        nova.conf.CONF(['--config-file', str(path)], project='nova')

    def _write(self, values):
        lines = [f'{name} = {value}' for name, value in values.items()]
        self._path.write_text('\n'.join(['[hypervisor_affinity]', *lines]))

    def change(self, values):
        """Do what nova-scheduler does on SIGHUP."""
        self._write(values)
        nova.conf.CONF.mutate_config_files()


class Changes:
    """Changes the options while requests are answered."""

    def __init__(self, options, values):
        self._options = options
        self._values = iter(values)
        self._due = REQUESTS_PER_CHANGE
        self.count = 0

    def __call__(self, answered):
        if answered < self._due:
            return
        self._due = answered + REQUESTS_PER_CHANGE
        for values in itertools.islice(self._values, 1):
            self._options.change(values)
            self.count += 1


def same_answers(options, requests, make_scheduler=Scheduler):
    """Compare all answers, and the warnings that come once per process."""
    kinds = [*table_kinds(), *more_kinds()]
    alone = Requests(kinds, Scheduler).ask_alone()
    warnings = set(CROWD.general)
    CROWD.general.clear()
    scheduler = make_scheduler()
    order = shuffled(range(len(kinds)), requests)
    report = Requests(kinds, lambda: scheduler).ask_all(order, alone)
    logged = collections.Counter(CROWD.general)
    return {
        **report,
        'warnings': len(warnings),
        'missing': sorted(warnings - set(logged)),
        'unexpected': sorted(set(logged) - warnings),
        'repeated': [line for line, times in logged.items() if times > 1],
    }


def forgetful_plugins(options, requests):
    """Compare the answers of plug-ins that are wrong."""
    options.change(FIRST)
    return same_answers(options, requests, ForgetfulScheduler)


def changing_options(options, requests):
    """Change all options back and forth; at last, set a wrong one."""
    # Native threads then change in the middle of reading the options, too.
    sys.setswitchinterval(0.0001)
    # Where nothing tells what a server runs on, the first step that wants to
    # know says so: with the options of another moment, that is another step.
    kinds = [
        kind
        for kind in table_kinds()
        if kind.runs_on == kind.case.runs_on and kind.runs_on != frozenset()
    ]
    order = shuffled(range(len(kinds)), requests)
    options.change(FIRST)
    scheduler = Scheduler()
    asked = Requests(kinds, lambda: scheduler)
    first = asked.ask_alone()
    options.change(SECOND)
    second = asked.ask_alone()
    changes = Changes(options, itertools.cycle([FIRST, SECOND]))
    changing = asked.ask_all(order, first, second, meanwhile=changes)
    options.change(FIRST)
    CROWD.general.clear()
    wrong = asked.ask_all(order, first, meanwhile=Changes(options, [WRONG]))
    ((_, all_options),) = conf.list_opts()
    return {
        'changing': {**changing, 'changes': changes.count},
        'wrong': wrong,
        'errors': [line for line in CROWD.general if 'ERROR' in line],
        'unchanged': sorted({opt.name for opt in all_options} - set(SECOND)),
    }


def memory(options, requests):
    """Trace memory while every second request is worth many warnings."""
    options.change(FIRST)
    kinds = [*table_kinds(), *more_kinds(), flood()]
    indexes = [*range(len(kinds)), *[len(kinds) - 1] * len(kinds)]
    order = shuffled(indexes, requests)
    alone = Requests(kinds, Scheduler).ask_alone()
    scheduler = Scheduler()
    asked = Requests(kinds, lambda: scheduler)
    asked.ask_all(order, alone)
    # Not before: tracing takes most of the time.
    tracemalloc.start()
    traced = []
    for _ in range(4):
        report = asked.ask_all(order, alone)
        CROWD.general.clear()
        gc.collect()
        traced.append(_traced())
    return {**report, 'traced': traced}


def _traced():
    """Return the bytes that our files hold, and all bytes."""
    total, _ = tracemalloc.get_traced_memory()
    ours = tracemalloc.take_snapshot().filter_traces(
        [tracemalloc.Filter(True, OUR_FILES)]
    )
    return {'ours': sum(trace.size for trace in ours.traces), 'all': total}


PHASES = {
    phase.__name__: phase
    for phase in (same_answers, forgetful_plugins, changing_options, memory)
}


def run_here(phase, requests):
    """Run a phase in this process, which is then of no use for another."""
    logger = logging.getLogger('hypervisor_affinity')
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(Listener())
    with tempfile.TemporaryDirectory() as folder:
        options = Options(pathlib.Path(folder, 'nova.conf'))
        report = PHASES[phase](options, requests)
    return {**report, 'sleep': time.sleep.__module__}


def main():
    """Run each phase in a fork: importing nova takes seconds."""
    # What nova made green begins a hub when it waits, and no fork could use
    # that of another process.
    for line in sys.stdin:
        phase, requests = line.split()
        reading, writing = os.pipe()
        process = os.fork()
        if not process:
            signal.alarm(TIMEOUT)
            report = run_here(phase, int(requests))
            with open(writing, 'w') as written:
                json.dump(report, written)
            return
        os.close(writing)
        with open(reading) as written:
            report = written.read()
        waitpid(process, 0)
        sys.stdout.write(f'{report}\n')
        sys.stdout.flush()


if __name__ == '__main__':
    main()
