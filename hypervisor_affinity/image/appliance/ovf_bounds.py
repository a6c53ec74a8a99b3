# SPDX-License-Identifier: Apache-2.0
"""How much of XML there may be in an OVF.

A parser gives each name its whole namespace, and takes some hundred bytes for
each element: of a text of some 10 KiB it could make gigabytes. So the text is
looked through before, without namespaces, and nothing is kept.
"""

import sys
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml import sax

from hypervisor_affinity.image.disk import UnsafeDisk

# xmlParserMaxDepth of libxml2, by which nova reads.
_MAX_DEPTH = 256

# In bytes. A MiB of nothing but what VMware writes has 10 MiB of them.
_MAX_NAMES = 16 * 1024**2

_DECLARED = 'xmlns'


def check(place: str, text: bytes) -> dict[str, str]:
    """Check that an OVF stays in bounds.

    :returns: prefixes of namespaces that the root declares, '' for the
        default -> namespace
    :raises UnsafeDisk: if it does not
    :raises DefusedXmlException: if it has entities or a DTD
    :raises SAXParseException, ValueError, LookupError: if it is not XML
    """
    bounds = _Bounds(place)
    sax.parseString(text, bounds, forbid_dtd=True)
    return bounds.prefixes


class _Bounds(ContentHandler):
    """Told of each element.

    :ivar prefixes: as :func:`check` returns them
    """

    def __init__(self, place: str) -> None:
        super().__init__()
        self.prefixes: dict[str, str] = {}
        self._place = place
        self._depth = 0
        self._names = 0
        # Bytes of the longest one.
        self._namespace = 0

    def startElement(self, name: str, attrs: AttributesImpl) -> None:
        """Look at an element.

        :raises UnsafeDisk: if it is too much
        """
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise UnsafeDisk(
                f'{self._place}: has elements {self._depth} deep; at most '
                f'{_MAX_DEPTH} are read; export the VM again'
            )
        self._declare(attrs)
        self._names += sum(
            sys.getsizeof(found) + self._namespace
            for found in (name, *attrs.getNames())
        )
        if self._names > _MAX_NAMES:
            raise UnsafeDisk(
                f'{self._place}: has more or longer names than an OVF can '
                'have; export the VM again'
            )

    def endElement(self, name: str) -> None:
        """Leave an element."""
        self._depth -= 1

    def _declare(self, attrs: AttributesImpl) -> None:
        for name, namespace in attrs.items():
            kind, _, prefix = name.partition(':')
            if kind == _DECLARED:
                size = sys.getsizeof(namespace)
                self._namespace = max(self._namespace, size)
                if self._depth == 1:
                    self.prefixes[prefix] = namespace
