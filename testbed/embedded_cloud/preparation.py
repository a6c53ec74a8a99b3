# SPDX-License-Identifier: Apache-2.0
"""What must happen before the first line of nova is imported.

Importing this module has effects on the whole process, once and for good:

* it sets defaults for the environment variables that nova's test package
  reads (a value that is already set is left alone);
* it imports ``nova.tests.functional``, which replaces blocking functions of
  the standard library by eventlet's (nova's services then run as green
  threads of this one process). Import it early: a lock that some library
  created before stays an ordinary lock;
* it undoes what that import does to logging.

``find_api_paste`` is what the rest of the package needs from here.
"""

import contextlib
import functools
import importlib.metadata
import importlib.util
import logging
import os
import pathlib
import sys
import sysconfig
import warnings

# Every variable is read by nova.test, its fixtures or oslotest.
_ENVIRONMENT = {
    # Green threads in all supported releases: only they share one in-memory
    # SQLite connection safely, and nova 31 cannot do without them yet.
    'OS_NOVA_DISABLE_EVENTLET_PATCHING': '0',
    # No DEBUG records: formatting them costs more than scheduling does.
    'OS_DEBUG': '0',
    # Leave stdout, stderr and logging to the script or to pytest.
    'OS_STDOUT_CAPTURE': '0',
    'OS_STDERR_CAPTURE': '0',
    'OS_LOG_CAPTURE': '0',
    # No SIGALRM of oslotest's: a whole demo runs inside one "test case".
    'OS_TEST_TIMEOUT': '0',
}

# What a plain `pip install nova` does not bring, as module: distribution.
_TEST_REQUIREMENTS = {
    'nova': 'nova',
    'placement': 'openstack-placement',
    'wsgi_intercept': 'wsgi-intercept',
    'oslotest': 'oslotest',
    'testtools': 'testtools',
    'testscenarios': 'testscenarios',
    'fixtures': 'fixtures',
    'ddt': 'ddt',
    'pymysql': 'PyMySQL',
    'requests_mock': 'requests-mock',
}


class EmbeddedCloudUnavailable(RuntimeError):
    """This environment lacks something the embedded cloud is made of."""


@functools.cache
def find_api_paste() -> str:
    """Return the path of the api-paste.ini that nova's wheel installed.

    Raises EmbeddedCloudUnavailable, naming the places searched, when there
    is none.
    """
    searched = list(dict.fromkeys(_api_paste_candidates()))
    for path in searched:
        if path.is_file():
            return str(path)
    places = '\n  '.join(str(path) for path in searched)
    raise EmbeddedCloudUnavailable(
        "nova's api-paste.ini is missing. nova's wheel installs it below"
        f' etc/nova of its environment; searched:\n  {places}'
    )


def _api_paste_candidates():
    """Yield where api-paste.ini can be, the likeliest first."""
    relative = pathlib.Path('etc', 'nova', 'api-paste.ini')
    # The wheel's own record is right for venvs, --user and --prefix alike.
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files('nova') or ():
            if file.name == relative.name:
                yield pathlib.Path(file.locate()).resolve()
    yield pathlib.Path(sysconfig.get_path('data')) / relative
    yield pathlib.Path(sys.prefix) / relative
    spec = importlib.util.find_spec('nova')
    if spec is not None and spec.origin is not None:
        # A source checkout: etc/ lies beside the package.
        yield pathlib.Path(spec.origin).parent.parent / relative
    yield pathlib.Path('/', relative)


def _check_requirements() -> None:
    missing = [
        distribution
        for module, distribution in _TEST_REQUIREMENTS.items()
        if importlib.util.find_spec(module) is None
    ]
    if missing:
        raise EmbeddedCloudUnavailable(
            'the embedded cloud needs these distributions, which are not'
            f' installed: {", ".join(missing)}'
        )


@contextlib.contextmanager
def _logging_kept():
    """Restore the root logger and the exception hook on leaving.

    ``import nova.test`` calls ``oslo_log.log.setup``, which empties the
    root logger's list of handlers (pytest's, and those that a script has
    configured) and logs uncaught exceptions as its own.
    """
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, sys.excepthook
    # Otherwise logging prints what nova has to say about its import.
    root.addHandler(logging.NullHandler())
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        sys.excepthook = hook


def _prepare() -> None:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    _check_requirements()
    with _logging_kept(), warnings.catch_warnings():
        # eventlet and others say at import that they are deprecated.
        warnings.simplefilter('ignore')
        # The package's __init__ patches; nova.test is imported here too so
        # that its import-time effects all happen under our guard.
        importlib.import_module('nova.tests.functional')
        importlib.import_module('nova.test')


_prepare()
