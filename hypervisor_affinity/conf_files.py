# SPDX-License-Identifier: Apache-2.0
"""Files of nova's configuration: reading them, and what is wrong with them.

oslo.config cites the line that it does not understand, and that may be the
one with the password. An error of here names the file, the number of the line
and the cause, and cites nothing.
"""

import contextlib
import io
import pathlib
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from oslo_config import cfg

from hypervisor_affinity import redaction

# oslo.config's words, none of which cites anything, and ours.
_CAUSES = {
    "No ':' or '=' found in assignment": 'is neither a section nor an option',
    'Key cannot be empty': 'has no name before =',
    'Unexpected continuation line': (
        'begins with a space, which continues a value, but no value comes '
        'before it'
    ),
    'Invalid section (must end with ])': 'begins a section, but has no ]',
    'Empty section name': 'begins a section without a name',
    'Section must be started before assignment': (
        'comes after an option that is in no section'
    ),
}
# Those that nova and its libraries declare as secret, and the URL of the bus;
# connection is that of a database.
_SECRET = re.compile(
    'password|secret|(^|_)connection$|transport_url|backend_argument|fixed_key'
    '|token_id|approle_role_id'
)
# Bytes. That of nova with all comments is below 1 MiB.
_LARGEST = 16 << 20
_UNKNOWN = 'is neither a section nor an option'


class ConfError(cfg.Error):
    """A file cannot be read, or an option in it; it cites nothing."""


def read(conf: cfg.ConfigOpts, paths: Iterable[str], **options: Any) -> None:
    """Read files, and no others.

    :param options: of ``conf`` when it is called
    :raises ConfError: naming file and line, if one cannot be read
    """
    files = [str(path) for path in paths]
    for file in files:
        _check(file)
    with reading(conf, files):
        conf(
            args=[],
            default_config_files=files,
            default_config_dirs=[],
            **options,
        )


@contextlib.contextmanager
def reading(conf: cfg.ConfigOpts, paths: Iterable[str] = ()) -> Iterator[None]:
    """Turn what goes wrong while files are read into a ConfError.

    :param conf: what reads them
    :param paths: those that are read, as far as they are known
    """
    try:
        with _overheard(), values(conf):
            yield
    except cfg.ConfigFilesNotFoundError as error:
        files = ', '.join(error.config_files)
        raise ConfError(f'{files}: no such file') from error
    except cfg.ConfigDirNotFoundError as error:
        raise ConfError(f'{error.config_dir}: no such directory') from error
    except cfg.ConfigFilesPermissionDeniedError as error:
        files = ', '.join(error.config_files)
        cause = 'is not readable: permission denied'
        raise ConfError(f'{files}: {cause}') from error
    except cfg.ConfigFileParseError as error:
        # From None, here and below: what it says is what must not be shown.
        raise ConfError(_place(error)) from None
    except UnicodeDecodeError:
        raise ConfError(f'{_no_text(paths)}: it is not valid UTF-8') from None
    except OSError as error:
        # Of reading, which is not of opening, no file is known.
        name = error.filename or ', '.join(map(str, paths))
        raise ConfError(f'{name}: {error.strerror}') from error


@contextlib.contextmanager
def values(conf: cfg.ConfigOpts) -> Iterator[None]:
    """Turn what goes wrong with the value of an option into a ConfError."""
    try:
        yield
    except cfg.ConfigSourceValueError as error:
        raise ConfError(redaction.first_line(str(error))) from None
    except (
        cfg.NoSuchOptError,
        cfg.NoSuchGroupError,
        cfg.TemplateSubstitutionError,
        RecursionError,
    ):
        names = ', '.join(_unreadable(conf))
        if not names:
            raise
        # What it refers to may be the end of a password that has the sign.
        raise ConfError(
            f'{names} cannot be read: a $ in it refers to an option that does '
            'not exist, or to itself; write $$ for a literal $'
        ) from None


def is_open_to_all(path: str) -> bool:
    """Tell whether every user of this machine may read a file.

    By the bits of the file and of the directories above it; access control
    lists are not looked at. A file that cannot be looked at is not open.
    """
    try:
        file = pathlib.Path(path).resolve(strict=True)
        return bool(file.stat().st_mode & stat.S_IROTH) and all(
            parent.stat().st_mode & stat.S_IXOTH for parent in file.parents
        )
    except OSError:
        return False


def passwords(path: str) -> list[str]:
    """Return the options of a file that have a password, in its order.

    By their names, since most belong to libraries that nobody has loaded.

    :raises ConfError: if it cannot be read
    """
    return [
        f'[{section}] {name}'
        for section, options in sections(path).items()
        for name, values in options.items()
        if _SECRET.search(name) and any(values)
    ]


def sections(path: str) -> dict[str, dict[str, list[str]]]:
    """Return what a file sets, known or not: section -> option -> values.

    Nothing of a pipe, which only one may read.

    :raises ConfError: if it cannot be read
    """
    found: dict[str, dict[str, list[str]]] = {}
    if pathlib.Path(path).is_fifo():
        return found
    _check(path)
    with reading(cfg.ConfigOpts(), [path]):
        try:
            cfg.ConfigParser(path, found).parse()
        except cfg.ParseError as error:
            raise cfg.ConfigFileParseError(path, '') from error
    return found


@contextlib.contextmanager
def _overheard() -> Iterator[None]:
    """Take what oslo.config writes to standard error before it exits.

    :raises ConfError: in place of its exit for a wrong value in a file; that
        of the command line is left to it
    """
    heard = io.StringIO()
    try:
        with contextlib.redirect_stderr(heard):
            yield
    except SystemExit as error:
        if error.code == 1:
            said = redaction.first_line(heard.getvalue().strip())
            heard.truncate(0)
            raise ConfError(said) from None
        raise
    finally:
        sys.stderr.write(heard.getvalue())


def _check(path: str) -> None:
    """See that a file has an end.

    :raises ConfError: if it may have none, or is larger than any of its kind
    """
    try:
        found = pathlib.Path(path).stat()
    except OSError:
        # Said by who reads it.
        return
    if stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
        raise ConfError(f'{path}: is a device; name a file')
    if found.st_size > _LARGEST:
        raise ConfError(f'{path}: has more than {_LARGEST >> 20} MiB')


def _place(error: cfg.ConfigFileParseError) -> str:
    # oslo.config keeps but the text of the error that knows the line.
    inner = error.__context__
    cause = _CAUSES.get(getattr(inner, 'msg', ''), _UNKNOWN)
    number = getattr(inner, 'lineno', None)
    place = 'a line' if number is None else f'line {number}'
    return f'{error.config_file}: {place} {cause}'


def _no_text(paths: Iterable[str]) -> str:
    """Return the first file that is no text, or what to call it."""
    for path in paths:
        try:
            pathlib.Path(path).read_text()
        except UnicodeDecodeError:
            return path
        except OSError:
            continue
    return 'a configuration file'


def _unreadable(conf: cfg.ConfigOpts) -> Iterator[str]:
    for name in conf:
        try:
            value = conf[name]
        except (cfg.Error, RecursionError, ValueError):
            yield f'[DEFAULT] {name}'
            continue
        if isinstance(value, cfg.ConfigOpts.GroupAttr):
            for option in value:
                try:
                    value[option]
                except (cfg.Error, RecursionError, ValueError):
                    yield f'[{name}] {option}'
