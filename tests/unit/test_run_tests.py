# SPDX-License-Identifier: Apache-2.0
"""What runs all tests says which failed, whatever becomes of a process."""

import importlib.machinery
import importlib.util
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

TOOL = pathlib.Path(__file__).parents[2] / 'tools/run_tests'


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """The program, where there are no other tests than those of a test."""
    # It has no suffix.
    loader = importlib.machinery.SourceFileLoader('run_tests', str(TOOL))
    spec = importlib.util.spec_from_loader('run_tests', loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    monkeypatch.setattr(module, 'LONGEST', ())
    monkeypatch.setattr(sys, 'argv', ['run_tests', '-q', '-ra'])
    monkeypatch.chdir(tmp_path)
    return module


def write(name, text):
    path = pathlib.Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


PASSES = 'def test_it():\n    pass\n'
FAILS = 'def test_it():\n    assert [1] == [2]\n'
ENDS = 'import os\ndef test_it():\n    os._exit({})\n'
SKIPS = 'import pytest\npytest.skip("not here", allow_module_level=True)\n'


def test_all_pass(tool, capsys):
    write('tests/unit/a/test_a.py', PASSES)
    write('tests/functional/test_b.py', PASSES + SKIPS)
    write('tests/functional/test_c.py', PASSES)
    assert tool.main() == 0
    out = capsys.readouterr().out
    assert 'tests/unit/a: ok, 1 passed' in out
    assert 'test_b.py:4: not here' in out
    assert out.splitlines()[-1].startswith('===== 2 passed, 1 skipped in ')


def test_one_fails(tool, capsys):
    write('tests/unit/a/test_a.py', PASSES)
    write('tests/unit/b/test_b.py', FAILS)
    assert tool.main() == 1
    out = capsys.readouterr().out
    assert 'assert [1] == [2]' in out
    assert 'failed: tests/unit/b\n' in out
    assert out.splitlines()[-1].startswith('===== 1 failed, 1 passed in ')


@pytest.mark.parametrize('code', [0, 5, 7])
def test_one_ends_early(tool, capsys, code):
    write('tests/unit/a/test_a.py', PASSES)
    write('tests/unit/b/test_b.py', ENDS.format(code))
    assert tool.main() == 1
    out = capsys.readouterr().out
    assert 'failed: tests/unit/b\n' in out
    assert out.splitlines()[-1].startswith('===== 1 passed, 1 errors in ')


def test_nothing_is_run(tool, monkeypatch):
    write('tests/unit/a/test_a.py', PASSES)
    monkeypatch.setattr(sys, 'argv', ['run_tests', '-k', 'nothing_like_it'])
    assert tool.main() == 1


def test_each_file_is_run_once():
    done = subprocess.run(
        [
            *(sys.executable, '-c'),
            'import runpy, sys\n'
            f'found = runpy.run_path({str(TOOL)!r})["find_jobs"]()\n'
            'print(*(path for job in found for path in job.paths), sep="\\n")',
        ],
        cwd=TOOL.parents[1],
        check=True,
        capture_output=True,
        text=True,
    )
    paths = done.stdout.split()
    assert len(paths) == len(set(paths))
    known = {
        str(path.relative_to(TOOL.parents[1]))
        for path in TOOL.parents[1].glob('tests/**/test_*.py')
    }
    left = {str(pathlib.Path(path).parent) for path in known - set(paths)}
    assert left == {'tests/whole_cloud', 'tests/unit/tempest_plugin'}


WAITS = """
import pathlib, time

def test_it():
    pathlib.Path('begun').touch()
    try:
        time.sleep(600)
    finally:
        pathlib.Path('cleaned up').touch()
"""


def test_an_interruption_ends_what_runs(tool, tmp_path):
    write('tests/unit/a/test_a.py', WAITS)
    code = (
        'import importlib.machinery, runpy, sys\n'
        f'module = runpy.run_path({str(TOOL)!r})\n'
        'module["find_jobs"].__globals__["LONGEST"] = ()\n'
        'module["heed_signals"]()\n'
        'sys.exit(module["main"]())'
    )
    process = subprocess.Popen(
        [sys.executable, '-c', code],
        # As in the background of a shell.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    while not pathlib.Path('begun').exists():
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait() == 130
    assert pathlib.Path('cleaned up').exists()
