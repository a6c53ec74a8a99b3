# SPDX-License-Identifier: Apache-2.0
"""tools/check_distributions.py finds what a wheel or an sdist must not be."""

import io
import pathlib
import subprocess
import sys
import tarfile
import zipfile

import pytest

from tests.installed import skip_without

PROGRAM = pathlib.Path(__file__).parents[2] / 'tools/check_distributions.py'
RELEASE = 'hypervisor_affinity-0.1.0'
TRACKED = {
    '.gitignore': b'dist/\n',
    'README.rst': 'Hypervisor\N{EN DASH}affinity\n'.encode(),
    'hypervisor_affinity/__init__.py': b'',
    'hypervisor_affinity/cli/page.j2': b'<p>\n',
    'hypervisor_affinity_tempest_plugin/plugin.py': b'"""Plug-in."""\n',
}
SDIST = {
    **{name: body for name, body in TRACKED.items() if name != '.gitignore'},
    'PKG-INFO': b'Name: hypervisor-affinity\n',
    'ChangeLog': b'* A change\n' * 20_000,
    'hypervisor_affinity.egg-info/SOURCES.txt': b'README.rst\n',
}
WHEEL = {
    **{name: body for name, body in TRACKED.items() if '/' in name},
    f'{RELEASE}.dist-info/METADATA': b'',
    f'{RELEASE}.dist-info/entry_points.txt': b'',
    f'{RELEASE}.dist-info/licenses/LICENSE': b'',
    f'{RELEASE}.data/data/share/hypervisor-affinity/'
    'hypervisor_affinity.conf.sample': b'',
    f'{RELEASE}.data/data/share/bash-completion/completions/'
    'hypervisor-affinity': b'',
}


@pytest.fixture
def checkout(tmp_path):
    """A folder in which git tracks what this project might have."""
    skip_without('git')
    for name, body in TRACKED.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    for arguments in (['init', '--quiet'], ['add', '--all']):
        subprocess.run(['git', *arguments], cwd=tmp_path, check=True)
    return tmp_path


def check(checkout, *, sdist=SDIST, wheel=WHEEL):
    """Return what the program says of an sdist and a wheel of these files."""
    dist = checkout / 'dist'
    dist.mkdir()
    source, built = (
        dist / f'{RELEASE}.tar.gz',
        dist / f'{RELEASE}-py3-none-any.whl',
    )
    with tarfile.open(source, 'w:gz') as archive:
        for name, body in sdist.items():
            member = tarfile.TarInfo(f'{RELEASE}/{name}')
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    with zipfile.ZipFile(built, 'w') as archive:
        for name, body in wheel.items():
            archive.writestr(name, body)
    return run(checkout)


def run(checkout):
    """Return the exit code and the lines."""
    done = subprocess.run(
        [sys.executable, PROGRAM, 'dist'],
        cwd=checkout,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr.splitlines()


def test_what_is_whole_passes(checkout):
    assert check(checkout) == (0, [])


@pytest.mark.parametrize(
    ('body', 'problem'),
    [
        (b'\x7fELF\x00', 'binary'),
        (b'caf\xe9', 'binary'),
        (b'#' * 100_001, '100001 bytes'),
    ],
    ids=['NUL', 'Latin-1', 'large'],
)
@pytest.mark.parametrize(
    ('archive', 'name'),
    [('sdist', 'README.rst'), ('wheel', next(iter(WHEEL)))],
)
def test_what_is_no_source_is_named(checkout, archive, name, body, problem):
    files = SDIST if archive == 'sdist' else WHEEL
    code, (line,) = check(checkout, **{archive: {**files, name: body}})
    assert code == 1
    assert line.endswith(f': {problem}: {name}')


def test_a_file_of_just_the_size_passes(checkout):
    sdist = {**SDIST, 'README.rst': b'#' * 100_000}
    assert check(checkout, sdist=sdist) == (0, [])


def test_a_wheel_that_was_left_in_the_checkout_is_named(checkout):
    sdist = {**SDIST, 'other-1.0-py3-none-any.whl': b'PK\x03\x04\x00'}
    code, lines = check(checkout, sdist=sdist)
    assert code == 1
    assert [line.partition(': ')[2] for line in lines] == [
        'must not be there: other-1.0-py3-none-any.whl',
        'binary: other-1.0-py3-none-any.whl',
    ]


@pytest.mark.parametrize('name', [n for n in SDIST if n in TRACKED])
def test_what_an_sdist_lacks_is_named(checkout, name):
    sdist = {key: body for key, body in SDIST.items() if key != name}
    code, (line,) = check(checkout, sdist=sdist)
    assert code == 1
    assert line.endswith(f'.tar.gz: missing: {name}')


@pytest.mark.parametrize('name', WHEEL)
def test_what_a_wheel_lacks_is_named(checkout, name):
    wheel = {key: body for key, body in WHEEL.items() if key != name}
    code, (line,) = check(checkout, wheel=wheel)
    assert code == 1
    assert line.endswith(f'.whl: missing: {name}')


def test_tests_in_a_wheel_are_named(checkout):
    wheel = {**WHEEL, 'tests/__init__.py': b''}
    code, (line,) = check(checkout, wheel=wheel)
    assert code == 1
    assert line.endswith('.whl: must not be there: tests/__init__.py')


def test_a_wheel_alone_is_not_enough(checkout):
    (checkout / 'dist').mkdir()
    (checkout / 'dist' / f'{RELEASE}-py3-none-any.whl').touch()
    code, (line,) = run(checkout)
    assert code == 1
    assert line.startswith('dist: one wheel and one sdist are expected')
