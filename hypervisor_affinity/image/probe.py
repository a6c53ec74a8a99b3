# SPDX-License-Identifier: Apache-2.0
"""What Glance and nova take some content for.

They stream a whole image through ``oslo_utils.imageutils.format_inspector``.
Here the same code sees the two parts that it looks at, the head and the tail,
so that a big disk costs no more than a small one.
"""

import contextlib
import dataclasses
import logging
from collections.abc import Iterator

from oslo_utils.imageutils import format_inspector

from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.disk import DiskError

# As nova.virt.images.get_image_format reads. VHDX's inspector finds in one
# chunk where to look in a later one, so a head in one piece would not do.
_CHUNK = 4096

# What is read at once; a Content may be behind a network.
_BLOCK = 1024**2

# VMDK's inspector looks at a descriptor of up to a MiB behind the header; of
# the others only VHDX's looks further, and is asked how far.
_HEAD = 4 * _BLOCK

# A VHDX's metadata comes after a log of a MiB and the block allocation
# table: 8 bytes for each block, 8 TiB in the smallest blocks, of a MiB.
_FURTHEST = 64 * _BLOCK

# Where VMDK's inspector looks for a footer.
_TAIL = 1536

# Their inspectors add up what they see.
_COUNTED = frozenset({'gpt', 'luks', 'qed', 'raw'})

# glance.location.ImageProxy.set_data and nova take both at once for the
# former: an ISO that may be written to a stick.
_HYBRID = ('gpt', 'iso')


@dataclasses.dataclass(frozen=True, slots=True)
class Probe:
    """What they find.

    :ivar formats: all that match, sorted; ``raw`` if none does
    :ivar format: the one that they settle on; None if there are several
    :ivar virtual_bytes: of that format; 0 if it does not tell
    :ivar failures: of that format's safety checks, name -> why
    """

    formats: tuple[str, ...]
    format: str | None
    virtual_bytes: int
    failures: dict[str, str]


def probe(content: Content) -> Probe:
    """Return what they find.

    :raises DiskError: if they cannot tell, or would have to look too far
    """
    stream = _Stream(content)
    # Of a file, it calls nothing but read.
    wrapper = format_inspector.InspectWrapper(stream)  # type: ignore[arg-type]
    with _silence():
        head = _reach(content)
        while stream.position < head:
            wrapper.read(_CHUNK)
        unseen = max(0, content.size - _TAIL - head)
        stream.position += unseen
        wrapper.read(_TAIL)
        wrapper.close()
        try:
            return _found(wrapper, unseen)
        except Exception as error:
            # Such as an AttributeError for text that begins in ASCII only.
            raise DiskError(
                f'{content.name}: oslo.utils cannot detect its format, so '
                f'nova does not boot it: {error}'
            ) from error


class _Stream:
    """Content as InspectWrapper reads it: by and by."""

    def __init__(self, content: Content) -> None:
        self.position = 0
        self._content = content
        self._block = b''
        self._start = 0

    def read(self, size: int) -> bytes:
        """Return the next part, b'' only at the end.

        :raises DiskError: if the content ends before that
        """
        start = self.position - self._start
        if not 0 <= start <= start + size <= len(self._block):
            start, self._start = 0, self.position
            self._block = self._content.read(self.position, _BLOCK)
        chunk = self._block[start : start + size]
        if not chunk and self.position < self._content.size:
            raise DiskError(
                f'{self._content.name}: ends at byte {self.position} of '
                f'{self._content.size}: it became shorter while it was read'
            )
        self.position += len(chunk)
        return chunk


def _reach(content: Content) -> int:
    """Return how far the inspectors look at the head.

    :raises DiskError: if that is too far
    """
    inspector = format_inspector.VHDXInspector()
    stream = _Stream(content)
    reach = min(_HEAD, content.size)
    while stream.position < reach <= _FURTHEST:
        try:
            inspector.eat_chunk(stream.read(_CHUNK))
        except Exception:
            # No such disk: the wrapper's own inspector will fail as well.
            break
        if not inspector.format_match:
            break
        for name in ('metadata', 'vds'):
            if inspector.has_region(name):
                region = inspector.region(name)
                end = region.offset + region.length
                reach = max(reach, min(end, content.size))
    if reach > _FURTHEST:
        raise DiskError(
            f'{content.name}: is VHDX with metadata after byte {_FURTHEST}, '
            'which is not supported; convert it to qcow2'
        )
    return reach


def _found(wrapper: format_inspector.InspectWrapper, unseen: int) -> Probe:
    inspectors = {str(found): found for found in wrapper.formats or ()}
    formats = tuple(sorted(inspectors))
    if formats == _HYBRID:
        chosen = 'iso'
    elif len(formats) > 1:
        return Probe(formats, None, 0, {})
    else:
        chosen = formats[0]
    inspector = inspectors[chosen]
    counted = unseen if chosen in _COUNTED else 0
    return Probe(
        formats,
        chosen,
        inspector.virtual_size + counted,
        _failures(inspector),
    )


def _failures(inspector: format_inspector.FileInspector) -> dict[str, str]:
    try:
        inspector.safety_check()
    except format_inspector.SafetyCheckFailed as error:
        return {name: str(why) for name, why in error.failures.items()}
    except format_inspector.ImageFormatError as error:
        # The file ends before what the format needs.
        return {'complete': str(error)}
    return {}


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep their warnings, which name services' internals, from the user."""
    log = logging.getLogger(format_inspector.__name__)
    disabled = log.disabled
    log.disabled = True
    try:
        yield
    finally:
        log.disabled = disabled
