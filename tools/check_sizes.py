#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Name what is longer than can be read at once: files and Python functions.

Run it from the top of a checkout; it looks at what git tracks there.
"""

import ast
import pathlib
import subprocess
import sys
from collections.abc import Iterator

# In lines.
LONGEST_FILE = 400
LONGEST_FUNCTION = 50

# Of what is written by hand and has logic. Data and prose are as long as
# what they tell.
_SUFFIXES = {'.py', '.go', '.css', '.js', '.sh', '.j2'}


def check_file(path: pathlib.Path) -> Iterator[str]:
    """Yield a line for the file, and for each function, that is too long."""
    text = path.read_text()
    lines = len(text.splitlines())
    if lines > LONGEST_FILE:
        yield f'{path}: {lines} lines, more than {LONGEST_FILE}'
    if _is_python(path, text):
        yield from _check_functions(path, text)


def _check_functions(path: pathlib.Path, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            # Without decorators: a table of cases is data.
            lines = node.end_lineno - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield (
                    f'{path}:{node.lineno}: {node.name} has {lines} lines, '
                    f'more than {LONGEST_FUNCTION}'
                )


def _is_python(path: pathlib.Path, text: str) -> bool:
    first = text.partition('\n')[0]
    return path.suffix == '.py' or (
        first.startswith('#!') and 'python' in first
    )


def _is_source(path: pathlib.Path) -> bool:
    if path.suffix:
        return path.suffix in _SUFFIXES
    with path.open('rb') as file:
        return file.read(2) == b'#!'


def tracked_sources() -> Iterator[pathlib.Path]:
    """Yield what git has in the current directory and is source."""
    listed = subprocess.run(
        ['git', 'ls-files', '-z'], check=True, stdout=subprocess.PIPE
    )
    for name in listed.stdout.decode().split('\0'):
        path = pathlib.Path(name)
        # One may be deleted and not yet committed, or link to a directory.
        if path.is_file() and _is_source(path):
            yield path


def main() -> int:
    """Print all that is too long; return the exit code."""
    found = [line for path in tracked_sources() for line in check_file(path)]
    print('\n'.join(found), end='\n' if found else '')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
