# SPDX-License-Identifier: Apache-2.0
"""Look for inputs that a reader does not cope with, by coverage."""

import pathlib
import shlex
import sys

import atheris

with atheris.instrument_imports(
    include=['hypervisor_affinity', 'oslo_utils', 'tarfile']
):
    from tests.fuzz import readers

from tests.fuzz import corpus
from tests.fuzz import limits

# In seconds and MiB. The limits of an input are stricter; these end a reader
# that never does, and the corpus counts to them as well.
_STOPS = ('-timeout=30', '-rss_limit_mb=1024')


def _read(name: str, data: bytes) -> None:
    with limits.kept():
        readers.read(name, data)


def main() -> None:
    """Fuzz, or keep what was found."""
    if sys.argv[1] == '--keep':
        corpus.keep(sys.argv[2], pathlib.Path(sys.argv[3]))
        return
    name, folder, *options = sys.argv[1:]
    pathlib.Path(folder).mkdir(exist_ok=True)
    limits.give_memory_back()
    # To merge, libFuzzer has a shell run this again with other options.
    again = shlex.join([sys.executable, '-m', 'tests.fuzz', name, folder])
    atheris.Setup(
        [again, *_STOPS, *options, folder],
        lambda data: _read(name, data),
    )
    atheris.Fuzz()


if __name__ == '__main__':
    main()
