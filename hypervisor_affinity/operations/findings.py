# SPDX-License-Identifier: Apache-2.0
"""What is wrong, how bad that is, and what to do about it.

Each area lists what it looks for in a :class:`Check` of its own: a member is
a code with its severity, its advice and its meaning, which the area's page and
``--list-checks`` show. All find :class:`Finding`.
"""

import dataclasses
import enum
from collections.abc import Mapping
from typing import Generic, NamedTuple, Self, TypeVar

_About = TypeVar('_About')

# Image property -> its new value; None to remove it.
Changes = Mapping[str, str | None]

# Advice for a check whose findings say, each for itself, what to do.
IN_FINDING = ''

# Advice on what nobody has foreseen.
REPORT = 'run the command again with -vv, and report what it says about this'


class Severity(enum.IntEnum):
    """How bad a finding is."""

    INFO = 0
    """Worth knowing."""

    WARNING = 1
    """Costs licenses, or will fail at the next rebuild or boot."""

    ERROR = 2
    """Something is where it cannot run, or two statements contradict
    each other."""


class Check(enum.StrEnum):
    """What is looked for; the codes are stable.

    A member that lacks one of these is refused when its class is made.

    * ``severity``: how bad what it finds is
    * ``advice``: what to do, in a clause; :data:`IN_FINDING` where that
      depends on what is found
    * ``meaning``: what it finds, in sentences; names of code in double
      backquotes, as on a page
    """

    _value_: str
    severity: Severity
    advice: str
    meaning: str

    def __new__(
        cls, code: str, severity: Severity, advice: str, meaning: str
    ) -> Self:
        """Make a member of which the code is the value."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.severity = severity
        member.advice = advice
        member.meaning = meaning
        return member


class Command(NamedTuple):
    """A command line that does what an advice says.

    What only an operator knows is in it in capitals, such as ``AGGREGATE``.

    :ivar words: the program and its command
    :ivar options: each with its value
    :ivar arguments: what comes last
    """

    words: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Remedy:
    """What to do about one finding.

    :ivar advice: in a clause
    :ivar changes: of the image that it is about; empty where only its owner
        can tell
    """

    advice: str
    changes: Changes = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Finding(Generic[_About]):
    """One thing that is wrong.

    :ivar about: what it is about
    :ivar evidence: what it rests on, in a clause
    :ivar reason: the filter's code for it, or nova's filter's, as in
        ``explain``; '' where no verdict is behind it
    :ivar remedy: None where the check's advice is all there is to say
    :ivar commands: what to run, one after the other; empty where no command
        does it
    """

    check: Check
    about: _About
    evidence: str
    reason: str = ''
    remedy: Remedy | None = None
    commands: tuple[Command, ...] = ()

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return self.check.severity

    @property
    def advice(self) -> str:
        """What to do, in a clause."""
        return self.remedy.advice if self.remedy else self.check.advice

    @property
    def changes(self) -> Changes:
        """What fixes it; empty if only an owner can tell."""
        return self.remedy.changes if self.remedy else {}
