# SPDX-License-Identifier: Apache-2.0
"""What came of nova's tests, and whether it is the same with our plug-ins."""

import json
import pathlib
import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_MODES = ('without', 'observe')


class Outcome(NamedTuple):
    """What came of a test.

    * ``test``: its id
    * ``ending``: such as ``passed``
    * ``calls``: of our filter
    * ``refusals``: that mode enforce would have meant
    * ``own_filters``: nova-schedulers for which it chose filters by itself
    * ``text``: the end of its error
    """

    test: str
    ending: str
    seconds: float
    calls: int
    refusals: int
    own_filters: int
    text: str


class Pair(NamedTuple):
    """Outcomes of the same tests, by their ids."""

    without: Mapping[str, Outcome]
    observe: Mapping[str, Outcome]

    @property
    def differences(self) -> list[str]:
        """Say of each test that ends in another way what both ways are."""
        return [
            f'{test}: {_ending(self.without.get(test))} without us, '
            f'{_ending(self.observe.get(test))} in mode observe'
            for test in sorted({*self.without, *self.observe})
            if _ending(self.without.get(test))
            != _ending(self.observe.get(test))
        ]

    def count(self, name: str) -> int:
        """Return the sum of a number over all tests in mode observe."""
        return sum(getattr(each, name) for each in self.observe.values())


def run(folder: pathlib.Path, names: Iterable[str]) -> Pair:
    """Run nova's tests in both ways, at the same time.

    :param folder: for what they write
    :param names: of modules, classes or tests
    """
    files = [folder / f'{mode}.json' for mode in _MODES]
    programs = []
    for mode, file in zip(_MODES, files, strict=True):
        with file.with_suffix('.log').open('w') as log:
            programs.append(
                subprocess.Popen(
                    [
                        *(sys.executable, '-m', 'testbed.novas_tests.run'),
                        *(mode, file, *names),
                    ],
                    stdout=log,
                    stderr=log,
                )
            )
    for program in programs:
        program.wait()
    return Pair(*map(_read, files))


def _read(file: pathlib.Path) -> dict[str, Outcome]:
    lines = file.read_text().splitlines()
    found = [Outcome(*json.loads(line)) for line in lines]
    return {outcome.test: outcome for outcome in found}


def _ending(outcome: Outcome | None) -> str:
    return outcome.ending if outcome else 'not run'
