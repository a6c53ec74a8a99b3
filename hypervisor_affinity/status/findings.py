# SPDX-License-Identifier: Apache-2.0
"""What a check finds, and the result it becomes."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from oslo_upgradecheck.upgradecheck import Code
from oslo_upgradecheck.upgradecheck import Result

from hypervisor_affinity import redaction
from hypervisor_affinity.core.printable import printable
from hypervisor_affinity.operations import judging

_NAMED = 3


class Finding(NamedTuple):
    """One thing that was found.

    :ivar code: FAILURE where servers are placed wrongly or not at all,
        WARNING for what may lead there, SUCCESS for what is good to know
    :ivar text: what was found and what to do about it, in one line; of a
        value that has several, the first
    """

    code: Code
    text: str


class NotChecked(Exception):
    """A check lacks what it looks at; the text says what and why."""


def failure(text: str) -> Finding:
    """Return a finding that servers are placed wrongly, or not at all."""
    return Finding(Code.FAILURE, redaction.without_passwords(text))


def warning(text: str) -> Finding:
    """Return a finding that somebody should look at."""
    return Finding(Code.WARNING, redaction.without_passwords(text))


def remark(text: str) -> Finding:
    """Return a finding that asks for nothing."""
    return Finding(Code.SUCCESS, redaction.without_passwords(text))


def not_judged(what: str, error: Exception) -> Finding:
    """Return a finding that something was not foreseen.

    :param what: that cannot be judged, as the begin of a sentence
    """
    why = judging.what(error)
    return warning(f'{what} cannot be judged: unexpected {why}. Report this.')


def to_result(findings: Iterable[Finding]) -> Result:
    """Return a check's result: the worst code, and all texts, worst first.

    A line for each finding; oslo.upgradecheck's table joins the lines. What
    others named is printable in any format: these are sentences for people.
    """
    found = sorted(findings, key=lambda finding: -finding.code)
    if not found:
        return Result(Code.SUCCESS)
    return Result(found[0].code, '\n'.join(printable(f.text) for f in found))


def counted(noun: str, names: Collection[str]) -> str:
    """Return how many there are, and the first few by name.

    ``1 host (a)``; ``5,000 hosts (a, b, c and 4,997 more)``.
    """
    shown = ', '.join(sorted(names)[:_NAMED])
    if len(names) > _NAMED:
        shown += f' and {len(names) - _NAMED:,} more'
    plural = '' if len(names) == 1 else 's'
    return f'{len(names):,} {noun}{plural} ({shown})'
