# SPDX-License-Identifier: Apache-2.0
"""What must not be cited, in whatever is written for people or into a log.

Libraries cite in their errors and warnings what they were given: the URL with
its password, the value with all of its lines, the part of a file that they do
not understand. What of it may be shown is decided here.
"""

import re
import traceback

# Of an error's text.
_SHOWN = 200
# Before the host of a URL; also where the password has a slash or blanks, or
# where the URL has lost its scheme.
_CREDENTIALS = re.compile(
    r"""
    (?<=//) \S+@
    | (?<=//) [^\s/:@]*:[^/@\n]*@
    | (?<![^\s'"(=]) [^\s/:@'"(=]+:[^\s/@][^\s@]*@(?=[\w[])
    """,
    re.VERBOSE,
)
# Of a URL, or of the path of one. A token may be there.
_QUERY = re.compile(r"""(?<=\S)\?[\w.-]+=[^\s'"<>)]*""")
# PyYAML's names of what a password without quotes may seem to be.
_YAML_NAMES = re.compile(
    r"""
    ((?:undefined\ alias|duplicate\ anchor|undefined\ tag\ handle
    |constructor\ for\ the\ tag)\s+)
    (?:'[^']*'|"[^"]*")
    """,
    re.VERBOSE,
)
# What oslo.config cites of Python, and what it means.
_PYTHON = (
    (re.compile(r"from LocationInfo\(.*?, detail='([^']*)'\)"), r'in \1'),
    (re.compile(r'from None(?= is not valid)'), 'in an unknown place'),
    (
        re.compile(r'invalid literal for int\(\) with base 10:'),
        'not a whole number:',
    ),
    (re.compile('could not convert string to float:'), 'not a number:'),
    (re.compile('Unexpected boolean value'), 'neither true nor false:'),
)
# As it is, or in the representation of a string.
_LINE_BREAK = re.compile(r'\n|\r|\\n|\\r')


def without_passwords(text: str) -> str:
    """Return a text without users, passwords and queries of the URLs in it.

    Also without what PyYAML cites of a clouds.yaml.
    """
    text = _QUERY.sub('?...', _CREDENTIALS.sub('', text))
    return _YAML_NAMES.sub(r"\1'...'", text)


def frames(error: BaseException) -> str:
    """Return where an error came from, without its text.

    Of an error that nobody has foreseen, nobody knows what it cites.
    """
    return ''.join(traceback.format_tb(error.__traceback__))


def one_line(text: str) -> str:
    """Return a text in one line of no great length, without passwords."""
    # Before it is cut, since half of a URL is none.
    words = without_passwords(' '.join(text.split()))
    return words if len(words) <= _SHOWN else f'{words[:_SHOWN]}...'


def in_words(text: str) -> str:
    """Return a text of oslo.config's without what Python alone understands.

    It cites the place of a value as Python shows its object, and Python's own
    words of a text that is not a number.
    """
    for pattern, words in _PYTHON:
        text = pattern.sub(words, text)
    return text


def first_line(text: str) -> str:
    """Return what stands before the first line break, in words.

    The value of an option has several lines where the next ones begin with a
    blank. Often that is a mistake, and they are options by themselves.
    """
    shown, *others = _LINE_BREAK.split(text, maxsplit=1)
    if others:
        shown += (
            '... (it continues, since the next line of the file begins with a '
            'space; remove the space if that line is an option of its own)'
        )
    return without_passwords(in_words(shown))
