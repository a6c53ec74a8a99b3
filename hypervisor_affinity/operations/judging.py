# SPDX-License-Identifier: Apache-2.0
"""What is said of a thing that cannot be judged, while all others are.

Who owns an image or a server, and who runs a vCenter, writes what is judged.
What nobody has foreseen in one of them must not hide what is found of the
rest.
"""

import logging
import traceback
from collections.abc import Iterable, Iterator
from typing import TypeVar

from hypervisor_affinity import redaction
from hypervisor_affinity.operations.findings import Check
from hypervisor_affinity.operations.findings import Finding

LOG = logging.getLogger(__name__)

_About = TypeVar('_About')
_PROJECT = 'hypervisor_affinity.'


def judged(
    found: Iterable[Finding[_About]],
    about: _About,
    check: Check,
    subject: str,
    *,
    passing: tuple[type[Exception], ...] = (),
) -> Iterator[Finding[_About]]:
    """Yield what is found of one thing, also that it cannot be judged.

    :param found: has nothing worked out before it is iterated
    :param check: what is found, as the last, if that fails
    :param subject: the thing in words, for the log
    :param passing: what is not about this thing, and so is raised
    """
    try:
        yield from found
    except passing:
        raise
    except Exception as error:
        yield Finding(check, about, evidence(subject, error))


def evidence(subject: str, error: Exception) -> str:
    """Return, in a clause, what an error that nobody has foreseen was.

    The log has at DEBUG where it came from. Neither has its text, of which
    nobody knows what it cites.
    """
    frames = redaction.frames(error)
    name = type(error).__name__
    LOG.debug('%s cannot be judged: %s\n%s', subject, name, frames)
    return f'unexpected {what(error)}; all else was judged'


def what(error: Exception) -> str:
    """Return an error's type, and where in this project it came from."""
    places = [
        (frame.f_globals.get('__name__', ''), line)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    ours = [place for place in places if place[0].startswith(_PROJECT)]
    module, line = (ours or places)[-1]
    place = f'{module.removeprefix(_PROJECT)}, line {line}'
    return f'{type(error).__name__} in {place}'
