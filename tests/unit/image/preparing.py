# SPDX-License-Identifier: Apache-2.0
"""What the tests of writing a disk anew share."""

import hashlib
import subprocess


def ignore(step, done):
    """Watch nothing."""


def digest(path, disk_format):
    """Return a digest of what a disk holds."""
    plain = path.with_name(f'{path.name}.plain')
    subprocess.run(
        ['qemu-img', 'convert', '-f', disk_format, '-O', 'raw', path, plain],
        check=True,
    )
    with plain.open('rb') as file:
        found = hashlib.file_digest(file, 'sha256').hexdigest()
    plain.unlink()
    return found
