# SPDX-License-Identifier: Apache-2.0
"""What somebody may have meant by a name that is not known."""

import difflib
import functools
from collections.abc import Iterable

from hypervisor_affinity.core.printable import cited

# That of difflib: ``wbe`` is near to ``web``, and ``database`` is not.
_NEAR = 0.6
# All that begins with this is ours: options, metadata keys, extra specs.
_OURS = 'hypervisor_affinity'
# nova's own hypervisor_version_weight_multiplier is not a misspelt one of
# ours.
_ALMOST_THE_SAME = 0.9


class Nearest:
    """The nearest of names that are seen one by one.

    * ``found``: the nearest so far; None if none is near
    """

    def __init__(
        self, name: str, known: Iterable[str] = (), near: float = _NEAR
    ) -> None:
        """See those that are known already.

        :param near: the ratio of :mod:`difflib` from which one is near
        """
        self.found: str | None = None
        self._best = near
        # It keeps what it has worked out of its second text.
        self._matcher = difflib.SequenceMatcher(autojunk=False)
        self._matcher.set_seq2(name.lower())
        for other in known:
            self.see(other)

    def see(self, name: str) -> None:
        """Take a name into account; of equally near ones the first stays."""
        self._matcher.set_seq1(name.lower())
        # Each is an upper bound of the next, and much quicker to have.
        for ratio in (
            self._matcher.real_quick_ratio,
            self._matcher.quick_ratio,
            self._matcher.ratio,
        ):
            near = ratio()
            if near < self._best or (near == self._best and self.found):
                return
        self.found, self._best = name, near

    @property
    def question(self) -> str:
        """Whether it was meant, to end a message with; '' if none is near."""
        return '' if self.found is None else f'; {asked(self.found)}'


def asked(name: str) -> str:
    """Ask whether a name was meant."""
    return f'did you mean {cited(name)!r}?'


# Metadata and extra specs are read for each request, and have few keys.
@functools.lru_cache(maxsize=1024)
def misspelt(key: str, known: tuple[str, ...]) -> str | None:
    """Return the key that one of our own namespace was meant to be.

    :param known: all keys of the namespace in this place
    :returns: '' if it is of our namespace, and near to none; None if it is
        known, or not of our namespace
    """
    if key in known:
        return None
    if key.lower().replace('-', '_').startswith(_OURS):
        # What all have in common makes none the nearest.
        rests = {_rest(each): each for each in known}
        found = Nearest(_rest(key), rests).found
        return '' if found is None else rests[found]
    return Nearest(key, known, _ALMOST_THE_SAME).found


def _rest(key: str) -> str:
    return key[len(_OURS) + 1 :]


def unknown(noun: str, meant: str) -> str:
    """Say that a key is not known.

    :param meant: what :func:`misspelt` returns for it
    """
    question = f' ({asked(meant)})' if meant else ''
    return f'is not a known {noun}{question}; ignored'
