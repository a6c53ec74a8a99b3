# SPDX-License-Identifier: Apache-2.0
"""Showing what others have written as they see it, and nothing else.

Users name servers, images and properties. Where that is shown to people, it
must not move a terminal's cursor, begin a line of its own, turn the order of
what stands beside it, or hide.
"""

import re

# What Python takes for printable, and nobody sees: fillers of Korean
# syllables, a joiner, vowels and selectors of Khmer and Mongolian, and an
# empty braille cell. Selectors of variations stay: they are in emoji and in
# Chinese names, and belong to the sign before them.
_UNSEEN = re.compile(
    '[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\uffa0]'
)

# As much as nova keeps of an image property with a server, and of a fault.
LONGEST = 255
_CUT = '…'


def printable(text: str) -> str:
    r"""Return a text with all that cannot be seen as an escape, as ``\x1b``.

    That is control characters and line breaks, marks of the direction of
    writing, spaces other than the usual one, what has no width, and halves of
    surrogate pairs. Letters, accents and signs of any language stay.
    """
    if text.isprintable() and (text.isascii() or not _UNSEEN.search(text)):
        return text
    return ''.join(map(_shown, text))


def cited(text: str) -> str:
    """Return a text printable, in at most 255 characters.

    What is cited may come again for each host, at level DEBUG, and be as long
    as its owner liked.
    """
    beginning = printable(text[: LONGEST + 1])
    if len(beginning) > LONGEST:
        return beginning[: LONGEST - len(_CUT)] + _CUT
    return beginning


def _shown(character: str) -> str:
    if character.isprintable() and not _UNSEEN.match(character):
        return character
    return character.encode('unicode_escape').decode('ascii')
