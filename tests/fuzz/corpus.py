# SPDX-License-Identifier: Apache-2.0
"""The inputs that are kept, as text: compressed, a line of base64 each."""

import base64
import pathlib
import zlib

FOLDER = pathlib.Path(__file__).parent / 'corpus'
# Of a reader, and characters of one.
_INPUTS = 40
_LONGEST = 2000


def load(reader: str) -> list[bytes]:
    """Return a reader's inputs."""
    lines = (FOLDER / reader).read_text().split()
    return [zlib.decompress(base64.b85decode(line)) for line in lines]


def keep(reader: str, folder: pathlib.Path) -> None:
    """Keep the smallest inputs that are in a folder, a file each."""
    inputs = sorted(
        {path.read_bytes() for path in folder.iterdir()},
        key=lambda data: (len(data), data),
    )
    encoded = (
        base64.b85encode(zlib.compress(data, 9)).decode() for data in inputs
    )
    lines = [line for line in encoded if len(line) <= _LONGEST]
    FOLDER.mkdir(exist_ok=True)
    # Of all sizes.
    step = -(-len(lines) // _INPUTS)
    (FOLDER / reader).write_text('\n'.join([*lines[::step], '']))
