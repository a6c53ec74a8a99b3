# SPDX-License-Identifier: Apache-2.0
"""Records with something in them on which everything fails.

What is known to fail is fixed where it is read; these stand for what nobody
knows yet.
"""

SECRET = 'hunter2'


class Unforeseen(dict):
    """Properties or metadata that cannot be looked at."""

    def _fail(self, *_):
        raise RecursionError(f'about {SECRET}')

    __contains__ = __getitem__ = __iter__ = __len__ = _fail
    get = items = keys = values = _fail


class Unspeakable(Exception):
    """Even naming it raises."""

    def __str__(self):
        raise RuntimeError('none')

    __repr__ = __str__
