# SPDX-License-Identifier: Apache-2.0
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies

from hypervisor_affinity.core.printable import printable


@pytest.mark.parametrize(
    'text',
    [
        '',
        'web-1 (production), 50 % = "half"',
        r'CORP\user',
        'Größe, Île, Ελλάδα, Москва',
        '生产环境',
        '東京サーバー',
        '한국어',
        'العربية',
        'עברית',
        'हिन्दी',
        'ไทย',
        # Accents that are characters of their own.
        'e\u0301a\u0308',
        '\N{PENGUIN}\N{PERSONAL COMPUTER}',
        '\N{HEAVY BLACK HEART}\ufe0f',
    ],
)
def test_what_can_be_read_stays(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('\x1b[2J', r'\x1b[2J'),
        ('\x9b2J', r'\x9b2J'),
        ('a\nb\r\tc\x00', r'a\nb\r\tc\x00'),
        ('\x85\u2028\u2029', r'\x85\u2028\u2029'),
        ('\u202e\u2066\u2069\u200e\u200f\u061c', None),
        ('\u200b\u200c\u200d\u2060\ufeff\u00ad', None),
        ('\u034f\u115f\u1160\u17b4\u180e\u2800\u3164\uffa0', None),
        ('\u00a0\u3000', r'\xa0\u3000'),
        ('\U000e0041', r'\U000e0041'),
        # From file names that are no UTF-8, and from JSON.
        ('\udcff\ud800', r'\udcff\ud800'),
        ('\ufff9\ue000', r'\ufff9\ue000'),
        ('Größe\x07', r'Größe\x07'),
    ],
)
def test_what_cannot_is_an_escape(text, shown):
    if shown is None:
        shown = ''.join(f'\\u{ord(sign):04x}' for sign in text).replace(
            r'\u00', r'\x'
        )
    assert printable(text) == shown


@given(strategies.text(strategies.characters()))
def test_of_any_text(text):
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.category(sign) for sign in shown} & {
        *('Cc', 'Cf', 'Cs', 'Co', 'Cn', 'Zl', 'Zp')
    }
    # Once is enough, wherever it is done.
    assert printable(shown) == shown


@given(strategies.text(), strategies.text())
def test_parts_are_shown_as_in_the_whole(first, second):
    assert printable(first + second) == printable(first) + printable(second)
