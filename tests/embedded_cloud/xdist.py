# SPDX-License-Identifier: Apache-2.0
"""Lets the workers of pytest-xdist live beside eventlet.

A worker's main thread runs the tests, and a second, real thread receives
orders and wakes it by a ``threading.Event``. Once eventlet has patched
``threading``, waiting for such an event is waiting inside the main thread's
green hub, which no other real thread can wake: the worker would hang. The
events that execnet and xdist made before are therefore made to poll, and
those that they make later are real ones again.
"""

import gc
import os
import sys
import threading
import time

# Tests last seconds; nobody notices how long the next one was waited for.
_PAUSE = 0.02


class _PollingEvent(threading.Event):
    """An event that any thread, green or real, may set and wait for."""

    def set(self) -> None:
        self._flag = True

    def clear(self) -> None:
        self._flag = False

    def wait(self, timeout: float | None = None) -> bool:
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._flag:
            if deadline is not None and time.monotonic() > deadline:
                break
            time.sleep(_PAUSE)
        return self._flag


def keep_worker_awake() -> None:
    """Call once, right after eventlet has patched the process.

    Does nothing but in a worker of pytest-xdist.
    """
    execnet = sys.modules.get('execnet.gateway_base')
    if execnet is None or 'PYTEST_XDIST_WORKER' not in os.environ:
        return
    from eventlet import patcher

    for thing in gc.get_objects():
        # Exactly this class: a subclass might add state of its own.
        if type(thing) is threading.Event:
            thing.__class__ = _PollingEvent
    real = patcher.original('threading')
    model = execnet.ThreadExecModel
    model.Event = staticmethod(real.Event)
    model.Lock = staticmethod(real.RLock)  # as execnet's own
    model.RLock = staticmethod(real.RLock)
