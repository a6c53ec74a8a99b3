# SPDX-License-Identifier: Apache-2.0
"""Whatever services answer, a command answers, or says why not in a line."""

import argparse
import io
import types

import hypothesis
import pytest

from hypervisor_affinity import ending
from hypervisor_affinity.cli import audit
from hypervisor_affinity.cli import explain
from hypervisor_affinity.cli import snapshot
from hypervisor_affinity.cloud.files import FileSource
from hypervisor_affinity.cloud.openstack import CloudSource
from hypervisor_affinity.cloud.snapshot import SECTIONS
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.ending import Output
from tests import fake_keystone
from tests import small_cloud
from tests import wrong_answers
from tests.wrong_answers import WrongCloud

# In characters.
LONGEST = 1000


class Run:
    """One run of a command in this process, on a connection that is there.

    :ivar code: the exit code
    """

    def __init__(self, command, connection, *arguments):
        out, err = io.StringIO(), io.StringIO()
        app = types.SimpleNamespace(
            stdin=io.StringIO(),
            stdout=Output(out),
            stderr=err,
            options=argparse.Namespace(debug=False, verbose_level=1),
            command_manager=types.SimpleNamespace(namespace='none'),
            prepare_to_run_command=lambda command: None,
            client_manager=types.SimpleNamespace(sdk_connection=connection),
        )
        run = command(app, None, 'command')
        parsed = run.get_parser('command').parse_args(arguments)
        self.code = run.run(parsed)
        self.out, self.err = out.getvalue(), err.getvalue()

    def check(self):
        """See that it has ended as promised: answered, or said why not."""
        assert 'report it' not in self.err
        assert 'all else was judged' not in self.out
        assert fake_keystone.PASSWORD not in self.out
        assert wrong_answers.TOKEN not in self.out
        assert all(map(str.isprintable, self.out.splitlines()))
        if self.code == 3 and not self.out:
            check_line(self.err, 'command: ')
            return
        assert self.code in (0, 1, 3)
        assert not self.err


def check_line(said, beginning):
    """See that something is one line, such as a person can read."""
    assert said.startswith(beginning)
    assert said.endswith('\n')
    assert said[:-1].isprintable()
    assert len(said) <= LONGEST
    assert fake_keystone.PASSWORD not in said
    assert wrong_answers.TOKEN not in said


@pytest.fixture(scope='module')
def cloud():
    with WrongCloud() as cloud:
        yield cloud


@pytest.fixture(scope='module')
def connection(cloud):
    return cloud.connect()


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
    return tmp_path_factory.mktemp('wrong') / 'cloud.json'


def outcome(cloud, connection, file):
    """Read all, and judge what was read; return the exit codes.

    What was read is judged from a file, since a second reading would be the
    same; but for what is asked for by its id.
    """
    runs = [Run(snapshot.Save, connection, str(file))]
    if runs[0].code == 0:
        runs += [
            Run(audit.Audit, None, '--snapshot', str(file)),
            Run(
                *(explain.Explain, None, '--snapshot', str(file)),
                *(small_cloud.IMAGE, 'small'),
            ),
        ]
    if not small_cloud.BY_ID.isdisjoint(cloud.wrong):
        runs.append(
            Run(explain.Explain, connection, '--server', small_cloud.SERVER)
        )
    for run in runs:
        run.check()
        # What was saved can be read.
        assert f'{file}: ' not in run.err
    return [run.code for run in runs]


def test_all_is_good(cloud, connection, saved):
    cloud.wrong = dict.fromkeys(small_cloud.BY_ID, ([], None))
    # The server is on the only host, so that it could move nowhere.
    assert outcome(cloud, connection, saved) == [0, 0, 0, 1]
    source = FileSource(saved)
    assert all(
        list(getattr(source, section)())
        for section in SECTIONS
        if section != 'vcenters'
    )


@hypothesis.given(wrong_answers.wrong_answers(small_cloud.GOOD))
def test_any_answer(cloud, connection, saved, wrong):
    cloud.wrong = wrong
    outcome(cloud, connection, saved)


def ask_for_a_token(cloud):
    """Authenticate, find nova and its versions, and ask it for something."""
    try:
        return list(CloudSource(cloud.connect()).aggregates())
    except SourceError as error:
        said = io.StringIO()
        ending.say(said, str(error))
        check_line(said.getvalue(), '')
        return None


def test_all_of_keystone_is_good(cloud):
    cloud.wrong = {}
    assert len(ask_for_a_token(cloud)) == 2


def test_keystone_wants_a_token_for_its_versions(cloud):
    """keystoneauth waited for the one that it was asking for, for ever."""
    cloud.wrong = {'/v3': ([], 'status 401')}
    assert len(ask_for_a_token(cloud)) == 2


@pytest.mark.parametrize(
    ('path', 'place', 'change'),
    [
        ('/v3', (), 'null'),
        ('/v3/auth/tokens', ('token', 'catalog'), 'minus one'),
        ('/v3/auth/tokens', ('token', 'expires_at'), 'a date that is none'),
        ('/v2.1', ('version', 'version'), 'a list'),
    ],
)
def test_what_keystoneauth_stumbles_over(cloud, path, place, change):
    cloud.wrong = {path: ([(place, change)], None)}
    with pytest.raises(SourceError, match='unexpected answer of'):
        list(CloudSource(cloud.connect()).aggregates())


@hypothesis.given(wrong_answers.wrong_answers(small_cloud.IDENTITY))
def test_any_answer_of_keystone(cloud, wrong):
    cloud.wrong = wrong
    ask_for_a_token(cloud)
