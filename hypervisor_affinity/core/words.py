# SPDX-License-Identifier: Apache-2.0
"""Citing what others have written: on one line, and of no great length."""

# As much as nova keeps of an image property with a server, and of a fault.
LONGEST = 255
_CUT = '…'


def cited(text: str) -> str:
    """Return a text in at most 255 characters, on one line.

    Whoever may upload an image writes what is cited. It must not begin a line
    of its own in an operator's log, nor fill it: a filter at level DEBUG says
    it once for each host.
    """
    beginning = text[: LONGEST + 1]
    if not beginning.isprintable():
        beginning = repr(beginning)[1:-1]
    if len(beginning) > LONGEST:
        return beginning[: LONGEST - len(_CUT)] + _CUT
    return beginning
