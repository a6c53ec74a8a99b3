# SPDX-License-Identifier: Apache-2.0
"""Writing files: whole or not at all, and never over what is no file.

Devices, pipes and directories are refused, and links stay what they are: what
they lead to is written.
"""

import contextlib
import errno
import fcntl
import os
import pathlib
import secrets
import signal
import stat
import sys
import threading
import types
from collections.abc import Iterator
from typing import IO

# What standard output is called. A file of this name is given with its
# directory.
STANDARD_OUTPUT = pathlib.Path('-')

# What ends a process: Ctrl-C, kill, the end of its terminal.
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_KINDS = {
    stat.S_IFDIR: 'directory',
    stat.S_IFCHR: 'character device',
    stat.S_IFBLK: 'block device',
    stat.S_IFIFO: 'pipe',
    stat.S_IFSOCK: 'socket',
}


def named(text: str) -> pathlib.Path:
    """Return what an argument names: a file, or standard output.

    A path forgets a ``./`` at its beginning, which is how a file ``-`` is
    named.
    """
    path = pathlib.Path(text)
    if path == STANDARD_OUTPUT and text != '-':
        return path.absolute()
    return path


def place(path: pathlib.Path) -> pathlib.Path:
    """Return the file that is to be written, by its own name.

    :returns: the path, or where it leads if it is a link
    :raises OSError: if there is something else than a file; ``strerror`` says
        what
    """
    real = path
    if path.is_symlink():
        real = pathlib.Path(os.path.realpath(path))
    try:
        found = path.stat()
    except FileNotFoundError:
        return real
    if _is_open(path, found):
        raise OSError(errno.EINVAL, 'is open for output already; name -')
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), 'special file')
        raise OSError(errno.EINVAL, f'is a {kind}; name a file')
    if real is not path and not (real.exists() and real.samefile(path)):
        # As /dev/stdout may, to a file that was deleted.
        raise OSError(errno.EINVAL, 'is a link to a file without a name')
    return real


def _is_open(path: pathlib.Path, found: os.stat_result) -> bool:
    """Tell whether a path is that of an open file, as ``/dev/stdout``.

    A file by this name would take the place of the one that is open, and what
    others write there be lost.
    """
    for number in (1, 2):
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(number), found):
                return stat.S_ISREG(found.st_mode)
    # /dev/fd leads there.
    directory = os.path.realpath(path.parent)
    return pathlib.Path(directory).is_relative_to('/proc')


@contextlib.contextmanager
def replacing(path: pathlib.Path, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """Open a file to write, which takes its place when all is written.

    Of a failure nothing is left behind, and of a signal that ends the process
    neither. What was written to standard output cannot be taken back.

    :param path: a link stays, and what it leads to is written;
        :data:`STANDARD_OUTPUT` for that
    :param mode: permissions of the file, less the umask; also where one was
        there before
    :raises OSError: if it cannot be written; ``strerror`` says why
    """
    if path == STANDARD_OUTPUT:
        with open(_standard_output(), 'wb', closefd=False) as file:
            yield file
        return
    target = place(path)
    with _made_beside(target, mode) as (made, number):
        with open(number, 'wb') as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if place(target) != target:
            raise OSError(errno.EINVAL, 'has become a link meanwhile')
        made.replace(target)


def check(path: pathlib.Path) -> None:
    """See that :func:`replacing` can begin, and leave all as it was.

    :raises OSError: as it does
    """
    if path == STANDARD_OUTPUT:
        _standard_output()
        return
    with _made_beside(place(path), 0o600) as (_, number):
        os.close(number)


@contextlib.contextmanager
def _made_beside(
    target: pathlib.Path, mode: int
) -> Iterator[tuple[pathlib.Path, int]]:
    """Make a file in the directory of another; remove it in the end.

    :returns: its name and its descriptor, which the caller closes
    :raises OSError: if it cannot be there
    """
    # Known before it is there, so that a signal finds it at any time.
    made = target.with_name(f'.hypervisor-affinity-{secrets.token_hex(8)}')
    with orderly_end(), _removed(made), _removed(made):
        yield made, _created(made, mode)


@contextlib.contextmanager
def orderly_end() -> Iterator[None]:
    """Have a signal that ends the process raise, so that all is removed.

    What comes after the first one is ignored: who presses Ctrl-C twice shall
    not stop the removing. Signals come to the main thread alone; in another
    one this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: types.FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)

    # What nohup made it ignore stays ignored.
    before = {
        number: signal.getsignal(number)
        for number in _ENDS
        if signal.getsignal(number) != signal.SIG_IGN
    }
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _removed(path: pathlib.Path) -> Iterator[None]:
    """Remove a file in the end, if it is there.

    Twice around each other, it is removed even if a signal comes while the
    inner one does so: of several, only the first one raises.
    """
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def _created(path: pathlib.Path, mode: int) -> int:
    """Return the descriptor of a new file.

    :raises OSError: if it cannot be there; ``strerror`` names its directory
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(path, flags, mode)
    except OSError as error:
        raise OSError(
            error.errno,
            f'{error.strerror} (in {path.parent}, where it is written first)',
        ) from error


def _standard_output() -> int:
    """Return standard output's number, with all written that was kept for it.

    :raises OSError: if it is closed
    """
    # Where it was closed, there is what nothing can be written to.
    number = None if sys.stdout is None else sys.stdout.fileno()
    if number is None or (
        fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
    ):
        raise OSError(errno.EBADF, 'is closed')
    sys.stdout.flush()
    return number
