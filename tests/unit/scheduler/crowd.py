# SPDX-License-Identifier: Apache-2.0
"""Requests that overtake one another, and what is said of each."""

import logging
import threading
import time

from nova.scheduler import host_manager

# Stands for the uuid of the server that a request is for.
SERVER = '{server}'


class Visit:
    """A request inside a step."""

    def __init__(self, step, server):
        self.step = step
        self.server = server
        self.lines = []
        self.is_overtaken = False


class Crowd:
    """Lets requests overtake one another, and hears what is said of them.

    :ivar general: the warnings that are of no single server
    """

    def __init__(self):
        self.general = []
        self._mine = threading.local()
        self._latest = {}

    def enter(self, step, server):
        self._mine.visit = visit = Visit(step, server)
        return visit

    def give_way(self):
        """Let other threads run, from the middle of the product's work."""
        visit = self._mine.visit
        self._latest[visit.step] = visit
        time.sleep(0)
        if self._latest[visit.step] is not visit:
            visit.is_overtaken = True

    def hear(self, record):
        visit = self._mine.visit
        line = f'{record.levelname} {record.getMessage()}'
        statement = line.partition(' (seen first at ')[0]
        if record.levelno >= logging.WARNING and visit.server not in statement:
            self.general.append(statement)
        else:
            visit.lines.append(line.replace(visit.server, SERVER))
        if record.levelno > logging.DEBUG:
            self.give_way()


CROWD = Crowd()


class Listener(logging.Handler):
    """Takes no lock, which would make all others wait for who gives way."""

    def handle(self, record):
        CROWD.hear(record)
        return True


class BusyHostState(host_manager.HostState):
    """A host at which requests overtake one another."""

    @property
    def supported_instances(self):
        CROWD.give_way()
        return vars(self)['supported_instances']

    @property
    def free_ram_mb(self):
        CROWD.give_way()
        return vars(self)['free_ram_mb']


def busy(state):
    state.__class__ = BusyHostState
    return state
