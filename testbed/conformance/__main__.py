# SPDX-License-Identifier: Apache-2.0
"""Boot a server for each value, and write what became of it.

On a cloud of `make cloud`. The results are in the folder of this program; a
page of the documentation includes them.
"""

import argparse
import os
import pathlib
import sys
import time
from collections.abc import Sequence

from testbed.conformance import finding
from testbed.conformance import pages
from testbed.conformance import tables
from testbed.conformance import trials
from testbed.conformance import versions
from testbed.conformance.boots import Boots
from testbed.conformance.finding import Record
from testbed.processes import compute
from testbed.processes import directory
from testbed.processes.cloud import Cloud


def main() -> None:
    """Do what the command line says."""
    arguments = _parse()
    if arguments.directory is None and arguments.property:
        sys.exit('--property needs --directory')
    try:
        record = _record(arguments.directory, arguments.property)
        finding.write(record)
        pages.write(record)
    except (OSError, ValueError) as error:
        sys.exit(f'this cannot be run: {error}')
    except KeyboardInterrupt:
        sys.exit('interrupted; no results were written')
    for found in tables.unexplained(record.findings):
        _say(f'not what the table says: {found}')


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m testbed.conformance', description=__doc__
    )
    parser.add_argument(
        '--directory',
        type=lambda text: pathlib.Path(text).resolve(),
        help='directory of the cloud (default: boot nothing, and write the '
        'parts of the page from the results that are there)',
    )
    parser.add_argument(
        '--property',
        action='append',
        help='boot only the servers of this property or format, and keep '
        'all other results; may be given several times',
    )
    return parser.parse_args()


def _record(
    folder: pathlib.Path | None, chosen: Sequence[str] | None
) -> Record:
    """Boot servers on a cloud, and return what is known then.

    :param folder: of the cloud; None for what is known already
    :param chosen: properties and formats; None for all
    :raises OSError: the cloud cannot show it, or the results cannot be kept
    :raises ValueError: there is no such property, or what is known is of
        other versions
    """
    if folder is None:
        return finding.read()
    if not directory.is_in(folder):
        raise OSError(f'there is no cloud in {folder}')
    directory.check_owner(folder)
    # Not when all was booted.
    if not os.access(finding.FILE, os.W_OK):
        raise OSError(f'{finding.FILE} cannot be written')
    # Each Glance has some format.
    known = {trial.name for trial in trials.trials(['raw'], ['bare'])}
    if unknown := set(chosen or ()) - known:
        raise ValueError(f'no such property: {", ".join(sorted(unknown))}')
    before = finding.read() if chosen else Record({}, [])
    before.check(versions.of_packages())
    made = Cloud(folder, compute.hosts(folder), outlives=True)
    lacks = Boots.lacks(made)
    if lacks:
        raise OSError(lacks)
    made.up()
    return _run(made, before, chosen)


def _run(made: Cloud, before: Record, chosen: Sequence[str] | None) -> Record:
    """Boot servers, and return what is known then.

    :param before: what is known
    :param chosen: properties and formats; None for all
    :raises ValueError: what is known is of other versions
    """
    began = time.monotonic()

    def say(text: str) -> None:
        _say(f'{time.monotonic() - began:4.0f} s  {text}')

    record = before
    with Boots(made, say) as boots:
        wanted = boots.all()
        for name in dict.fromkeys(trial.name for trial in wanted):
            if chosen and name not in chosen:
                continue
            say(name)
            found = boots.run([t for t in wanted if t.name == name])
            record = record.with_property(
                name, found, {**versions.of_packages(), **boots.versions}
            )
    return record


def _say(text: str) -> None:
    sys.stdout.write(f'{text}\n')
    sys.stdout.flush()


if __name__ == '__main__':
    main()
