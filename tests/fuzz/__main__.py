# SPDX-License-Identifier: Apache-2.0
"""Look for inputs that a reader does not cope with, by coverage."""

import pathlib
import sys

import atheris

with atheris.instrument_imports(
    include=['hypervisor_affinity', 'oslo_utils', 'tarfile']
):
    from tests.fuzz import readers

from tests.fuzz import corpus


def main() -> None:
    """Fuzz, or keep what was found."""
    if sys.argv[1] == '--keep':
        corpus.keep(sys.argv[2], pathlib.Path(sys.argv[3]))
        return
    name, folder, *options = sys.argv[1:]
    pathlib.Path(folder).mkdir(exist_ok=True)
    atheris.Setup(
        # In seconds for an input, and MiB of all.
        [sys.argv[0], '-timeout=2', '-rss_limit_mb=1024', *options, folder],
        lambda data: readers.read(name, data),
    )
    atheris.Fuzz()


if __name__ == '__main__':
    main()
