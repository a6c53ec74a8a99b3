# SPDX-License-Identifier: Apache-2.0
"""One run of tempest, and what became of each of its tests."""

import dataclasses
import io
import pathlib
import subprocess
from collections.abc import Collection

import subunit
import testtools

from testbed.processes.supervisor import BIN

_BROKEN = ('fail', 'inprogress', 'unknown', 'uxsuccess')


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the tests.

    * ``code``: exit code of tempest
    * ``passed``: their names
    * ``broken``: names of the failed, and of those that never ended
    * ``skipped``: {name: reason}
    """

    code: int
    passed: tuple[str, ...]
    broken: tuple[str, ...]
    skipped: dict[str, str]

    def complaints(self, expected_skips: Collection[str]) -> list[str]:
        """Say why it is no success; an empty list if it is one.

        :param expected_skips: the last part of their names
        """
        found = [f'failed: {name}' for name in self.broken]
        if not self.passed:
            found.append('no test passed')
        found += [
            f'skipped: {name}: {reason}'
            for name, reason in self.skipped.items()
            if name.rpartition('.')[2] not in expected_skips
        ]
        if self.code and not found:
            found.append(f'tempest exited with status {self.code}')
        return found


def run(folder: pathlib.Path, conf: pathlib.Path, regex: str) -> Outcome:
    """Run the tests whose names match; tempest's output is shown.

    :param folder: where tempest keeps its results
    """
    environment = {'PATH': str(BIN), 'HOME': str(folder)}
    ended = subprocess.run(
        [BIN / 'tempest', 'run', f'--config-file={conf}', f'--regex={regex}'],
        cwd=folder,
        env=environment,
    )
    last = subprocess.run(
        [BIN / 'stestr', 'last', '--subunit'],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
    )
    return _read(ended.returncode, last.stdout)


def _read(code: int, stream: bytes) -> Outcome:
    tests = []
    result = testtools.StreamToDict(tests.append)
    result.startTestRun()
    subunit.ByteStreamToStreamResult(io.BytesIO(stream)).run(result)
    result.stopTestRun()
    # setUpClass and its like are there by that name, if they failed.
    return Outcome(
        code=code,
        passed=tuple(_ids(tests, ['success'])),
        broken=tuple(_ids(tests, _BROKEN)),
        skipped={
            _id(test): _reason(test)
            for test in tests
            if test['status'] == 'skip'
        },
    )


def _ids(tests: list[dict], statuses: Collection[str]) -> list[str]:
    return [_id(test) for test in tests if test['status'] in statuses]


def _id(test: dict) -> str:
    # Without tempest's id and attributes in brackets.
    return test['id'].partition('[')[0]


def _reason(test: dict) -> str:
    reason = test['details'].get('reason')
    return reason.as_text() if reason else 'no reason given'
