# SPDX-License-Identifier: Apache-2.0
"""Run tests of nova, and write a line of JSON for each: its outcome.

    python -m testbed.novas_tests.run (without | observe) FILE NAME ...

Names are those of modules, classes or tests. By unittest's own loader: nova's
tests use parts of it that pytest does not have.
"""

import json
import pathlib
import sys
import time
import unittest
from typing import TextIO

# isort: off
# First: it patches what nova's tests need patched.
from testbed.embedded_cloud import preparation
# isort: on

from nova.tests.fixtures import conf as conf_fixture

from testbed.novas_tests.outcome import Outcome
from testbed.novas_tests.plugins import Plugins

_TEXT = 1000


class _Result(unittest.TestResult):
    def __init__(self, file: TextIO, plugins: Plugins) -> None:
        super().__init__()
        self._file = file
        self._plugins = plugins
        self._before: tuple[float, int, int, int]

    def startTest(self, test):
        super().startTest(test)
        self._before = self._now()

    def addSuccess(self, test):
        self._write(test, 'passed')

    def addError(self, test, error, details=None):
        self._write(test, 'failed', error)

    def addFailure(self, test, error, details=None):
        self._write(test, 'failed', error)

    def addSkip(self, test, reason, details=None):
        self._write(test, 'skipped')

    def addExpectedFailure(self, test, error, details=None):
        self._write(test, 'failed as expected')

    def addUnexpectedSuccess(self, test, details=None):
        self._write(test, 'passed unexpectedly')

    def _now(self) -> tuple[float, int, int, int]:
        ours = self._plugins
        return time.monotonic(), ours.calls, ours.refusals, ours.own_filters

    def _write(self, test, ending, error=None) -> None:
        if not hasattr(self, '_before'):
            # Of a module that cannot be imported.
            self._before = self._now()
        numbers = [
            now - before
            for now, before in zip(self._now(), self._before, strict=True)
        ]
        text = str(error[1])[-_TEXT:] if error else ''
        found = Outcome(test.id(), ending, *numbers, text)
        self._file.write(json.dumps(found) + '\n')
        self._file.flush()


def _find_api_paste() -> None:
    """Have nova's tests find what is elsewhere in a checkout of it."""
    path = preparation.find_api_paste()
    begin = conf_fixture.ConfFixture.setUp

    def begin_with_path(this):
        begin(this)
        this.conf.set_default('api_paste_config', path, group='wsgi')

    conf_fixture.ConfFixture.setUp = begin_with_path


def main() -> None:
    """Run them."""
    mode, path, *names = sys.argv[1:]
    _find_api_paste()
    plugins = Plugins()
    if mode == 'observe':
        plugins.enable()
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    with pathlib.Path(path).open('w') as file:
        suite.run(_Result(file, plugins))


if __name__ == '__main__':
    main()
