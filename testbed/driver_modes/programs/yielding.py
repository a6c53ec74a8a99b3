# SPDX-License-Identifier: Apache-2.0
"""Threads that are interrupted while they process an answer."""

import time

import concurrency
from suds.bindings import multiref


def begin() -> None:
    """Have threads yield where a shared MultiRef must not be used by others.

    The system may take the processor from a native thread there at any time.
    It rarely does, so that a test without this would have to wait for it. A
    thread of eventlet goes on until it waits, which it does not there.
    """
    if concurrency.IS_EVENTLET:
        return
    build_catalog = multiref.MultiRef.build_catalog

    def yielding(self, body):
        build_catalog(self, body)
        time.sleep(0.001)

    multiref.MultiRef.build_catalog = yielding
