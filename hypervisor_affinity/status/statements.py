# SPDX-License-Identifier: Apache-2.0
"""What a check says, and the result it becomes."""

import dataclasses
from collections.abc import Collection, Iterable

from oslo_upgradecheck.upgradecheck import Code
from oslo_upgradecheck.upgradecheck import Result

from hypervisor_affinity import redaction
from hypervisor_affinity.core.printable import printable
from hypervisor_affinity.operations import judging
from hypervisor_affinity.operations.findings import Severity

_NAMED = 3
_CODES = {
    Severity.INFO: Code.SUCCESS,
    Severity.WARNING: Code.WARNING,
    Severity.ERROR: Code.FAILURE,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Statement:
    """One thing that a check says.

    :ivar severity: ERROR where servers are placed wrongly or not at all,
        WARNING for what may lead there, INFO for what is good to know
    :ivar text: what was found and what to do about it, in one line; of a
        value that has several, the first
    """

    severity: Severity
    text: str


class NotChecked(Exception):
    """A check lacks what it looks at; the text says what and why."""


def statement(severity: Severity, text: str) -> Statement:
    """Return a statement without the passwords that its text may cite."""
    return Statement(severity, redaction.without_passwords(text))


def failure(text: str) -> Statement:
    """Return the statement that servers are placed wrongly, or not at all."""
    return statement(Severity.ERROR, text)


def warning(text: str) -> Statement:
    """Return the statement of what somebody should look at."""
    return statement(Severity.WARNING, text)


def remark(text: str) -> Statement:
    """Return a statement that asks for nothing."""
    return statement(Severity.INFO, text)


def not_judged(what: str, error: Exception) -> Statement:
    """Return the statement that something was not foreseen.

    :param what: that cannot be judged, as the begin of a sentence
    """
    why = judging.what(error)
    return warning(f'{what} cannot be judged: unexpected {why}. Report this.')


def to_result(statements: Iterable[Statement]) -> Result:
    """Return a check's result: the worst code, and all texts, worst first.

    A line for each statement; oslo.upgradecheck's table joins the lines. What
    others named is printable in any format: these are sentences for people.
    """
    said = sorted(statements, key=lambda one: -one.severity)
    if not said:
        return Result(Code.SUCCESS)
    lines = '\n'.join(printable(one.text) for one in said)
    return Result(_CODES[said[0].severity], lines)


def counted(noun: str, names: Collection[str]) -> str:
    """Return how many there are, and the first few by name.

    ``1 host (a)``; ``5,000 hosts (a, b, c and 4,997 more)``.
    """
    shown = ', '.join(sorted(names)[:_NAMED])
    if len(names) > _NAMED:
        shown += f' and {len(names) - _NAMED:,} more'
    plural = '' if len(names) == 1 else 's'
    return f'{len(names):,} {noun}{plural} ({shown})'
