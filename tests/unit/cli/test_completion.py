# SPDX-License-Identifier: Apache-2.0
"""What bash completes, by the file that bash-completion reads."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[3]
FILE = ROOT / 'etc/bash-completion/hypervisor-affinity'
# Of bash-completion, which need not be installed: what the words before and
# at the cursor are.
WORDS = """\
_get_comp_words_by_ref() {
    words=("${COMP_WORDS[@]}") cur=${COMP_WORDS[COMP_CWORD]}
    prev=${COMP_WORDS[COMP_CWORD - 1]}
}
"""


# What was typed after the program's name, and what some answers to it are.
TYPED = {
    '': {'audit', 'explain', 'image', 'simulate', 'vcenter'},
    'ex': {'explain', 'exporter'},
    'image pre': {'prepare'},
    'explain --ser': {'--server'},
}
ASK = """\
read -ra typed <<<"$line"
[[ $line ]] || typed=('')
COMP_WORDS=(hypervisor-affinity "${typed[@]}") COMP_CWORD=${#typed[@]}
_hypervisor_affinity
echo "${COMPREPLY[*]}"
"""


@pytest.fixture
def program(tmp_path):
    """A folder with the program, as pip installs it."""
    path = tmp_path / 'hypervisor-affinity'
    path.write_text(
        f'#!{sys.executable}\n'
        'import sys\n'
        'from hypervisor_affinity.cli import shell\n'
        'sys.exit(shell.main())\n'
    )
    path.chmod(0o755)
    return tmp_path


def test_what_is_completed(program):
    if shutil.which('bash') is None:
        pytest.skip('there is no bash')
    script = f'{WORDS}source {FILE}\nwhile IFS= read -r line; do\n{ASK}done'
    done = subprocess.run(
        ['bash', '-c', script],
        input='\n'.join([*TYPED, '']),
        env={
            **os.environ,
            'PATH': f'{program}:{os.environ["PATH"]}',
            'PYTHONPATH': str(ROOT),
        },
        capture_output=True,
        text=True,
    )
    assert (done.stderr, done.returncode) == ('', 0)
    answers = [set(line.split()) for line in done.stdout.splitlines()]
    for (typed, some), all_ in zip(TYPED.items(), answers, strict=True):
        assert some <= all_ if not typed else some == all_
