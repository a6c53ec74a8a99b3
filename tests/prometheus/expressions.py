# SPDX-License-Identifier: Apache-2.0
"""What an expression in PromQL asks for, as far as we write such."""

import re
from typing import NamedTuple

_SELECTOR = re.compile(
    r'\b((?:hypervisor_affinity|process)_\w+)(?:\s*\{([^}]*)\})?'
)
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
# Prometheus adds these.
_OF_THE_TARGET = frozenset({'job', 'instance'})


class Selector(NamedTuple):
    """A metric, and what its labels are compared with.

    :ivar values: pairs of a label and one value; a value that is a variable
        of the dashboard is left out
    """

    metric: str
    values: frozenset[tuple[str, str]]


def selectors(expression):
    """Return all that an expression has."""
    return [
        Selector(metric, frozenset(_values(matchers)))
        for metric, matchers in _SELECTOR.findall(expression)
    ]


def _values(matchers):
    for label, values in _MATCHER.findall(matchers):
        if label not in _OF_THE_TARGET:
            for value in values.split('|'):
                if not value.startswith('$'):
                    yield label, value
