from __future__ import annotations

from typing import Any, Dict, List

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pants_truss.core.config_edit import clear_external_package_dirs, set_list
from pants_truss.core.errors import TrussError


def clear(text: str) -> str:
    return clear_external_package_dirs(text.encode()).decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("external_package_dirs: [../a]\n", "external_package_dirs: []\n"),
        (
            "a: 1\nexternal_package_dirs:  [ ../a , '../b' ]  # c\nb: 2",
            "a: 1\nexternal_package_dirs:  []  # c\nb: 2",
        ),
        ("external_package_dirs: [\n  ../a, # x\n]\nb: 2\n", "external_package_dirs: []\nb: 2\n"),
        ("external_package_dirs:\n  - ../a\n  - ../b\nb: 2\n", "external_package_dirs: []\nb: 2\n"),
        ("external_package_dirs:\n- ../a\nb: 2\n", "external_package_dirs: []\nb: 2\n"),
        (
            "a: 1\r\nexternal_package_dirs:\r\n  - ../a\r\nb: 2\r\n",
            "a: 1\r\nexternal_package_dirs: []\r\nb: 2\r\n",
        ),
        ("\ufeffexternal_package_dirs:\n  - ../a\n", "\ufeffexternal_package_dirs: []\n"),
        ("b: 2\nexternal_package_dirs:\n  - ../a", "b: 2\nexternal_package_dirs: []"),
        ("b: 2\r\nexternal_package_dirs:\r\n  - ../a", "b: 2\r\nexternal_package_dirs: []"),
        ('{"external_package_dirs": ["../a"], "b": 2}', '{"external_package_dirs": [], "b": 2}'),
        (
            "external_package_dirs:  # why\n  # first\n  - ../a  # one\n\n  # second\n  - ../b\n\n# after\nb: 2\n",
            "external_package_dirs: []  # why\n  # first\n    # one\n\n  # second\n\n# after\nb: 2\n",
        ),
        (
            "external_package_dirs:\n  - >-\n    ../a\n  - |-\n    ../b\nb: 2\n",
            "external_package_dirs: []\nb: 2\n",
        ),
        ('external_package_dirs:\n  - "../\\\n    a"\nb: 2\n', "external_package_dirs: []\nb: 2\n"),
        (
            "? external_package_dirs\n: - ../a\n  - ../b\nb: 2\n",
            "? external_package_dirs\n: []\nb: 2\n",
        ),
        ("? external_package_dirs # x: y\n: [../a]\n", "? external_package_dirs # x: y\n: []\n"),
        ("d: &d [../a]\nexternal_package_dirs: *d\n", "d: &d [../a]\nexternal_package_dirs: []\n"),
        (
            "external_package_dirs: &d\n  - ../a\nx: *d\ny: *d\n",
            'external_package_dirs: []\nx: &d ["../a"]\ny: *d\n',
        ),
        (
            "external_package_dirs: [&e ../a, *e]\nx: {*e : 1}\n",
            'external_package_dirs: []\nx: {&e "../a" : 1}\n',
        ),
        (
            "base: &b\n  external_package_dirs: [../a]\n<<: *b\n",
            "external_package_dirs: []\nbase: &b\n  external_package_dirs: [../a]\n<<: *b\n",
        ),
        (
            "{base: &b {external_package_dirs: [../a]}, <<: *b}",
            "{external_package_dirs: [], base: &b {external_package_dirs: [../a]}, <<: *b}",
        ),
        (
            "b: &b {external_package_dirs: [../a]}\r<<: *b\r",
            "external_package_dirs: []\rb: &b {external_package_dirs: [../a]}\r<<: *b\r",
        ),
        ("n: .nan\nexternal_package_dirs: [../a]\n", "n: .nan\nexternal_package_dirs: []\n"),
        (
            "--- # start\nexternal_package_dirs: [../a]\n...\n",
            "--- # start\nexternal_package_dirs: []\n...\n",
        ),
        (
            "nested: {external_package_dirs: [x]}\nexternal_package_dirs: [../a]\n",
            "nested: {external_package_dirs: [x]}\nexternal_package_dirs: []\n",
        ),
    ],
)
def test_only_the_value_changes(before: str, after: str) -> None:
    assert clear(before) == after


@pytest.mark.parametrize(
    "text", ["", "# c\n", "a: 1", "external_package_dirs: []\n", "external_package_dirs: [ ]"]
)
def test_an_empty_value_stays_unchanged(text: str) -> None:
    assert clear(text) == text


def test_an_unsupported_style_is_an_error() -> None:
    # The key itself is an alias, so an edit would add a second key.
    with pytest.raises(TrussError):
        clear("x: &k external_package_dirs\n*k : [../a]\n")


# --- Random configs, written in random styles.

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=12),
    st.sampled_from(
        [
            "external_package_dirs: [no]",
            "# not a comment",
            "- ../a",
            "é\u2028",
            "\ttab",
            "yes",
            "1e3",
        ]
    ),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
folders = st.lists(
    st.text(alphabet="ab./ é'\"#:-[]{}", min_size=1, max_size=8).filter(lambda s: s.strip()),
    min_size=1,
    max_size=4,
)
styles = st.fixed_dictionaries(
    {
        "indent": st.sampled_from([2, 4, 7]),
        "width": st.sampled_from([10, 80]),
        "line_break": st.sampled_from(["\n", "\r\n"]),
        "allow_unicode": st.booleans(),
        "default_style": st.sampled_from([None, None, "'", '"']),
    }
)


class Dumper(yaml.SafeDumper):
    """Dumps without aliases: equal values would become anchors at random."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def dump(key: str, value: Any, style: Any) -> str:
    text: str = yaml.dump({key: value}, Dumper=Dumper, **style)
    return text


@given(
    before=st.dictionaries(st.text(alphabet="abc", min_size=1, max_size=6), values, max_size=3),
    after=st.dictionaries(st.text(alphabet="xyz", min_size=1, max_size=6), values, max_size=3),
    entries=folders,
    style=styles,
    flow=st.booleans(),
    comments=st.lists(st.text(alphabet="c #:-[]{}&*", max_size=8), min_size=3, max_size=3),
    final_break=st.booleans(),
    bom=st.booleans(),
)
@settings(max_examples=400)
def test_random_configs_keep_every_other_byte(
    before: Any,
    after: Any,
    entries: List[str],
    style: Any,
    flow: bool,
    comments: List[str],
    final_break: bool,
    bom: bool,
) -> None:
    block = {**style, "default_flow_style": False}
    line_break = style["line_break"]
    head = ("\ufeff" if bom else "") + "".join(
        f"# {comments[0]}{line_break}" + dump(k, v, block) for k, v in before.items()
    )
    key = dump(
        "external_package_dirs",
        entries,
        {**style, "default_flow_style": None} if flow else block,
    )
    tail = f"# {comments[1]}{line_break}" + "".join(
        dump(k, v, block) + f"# {comments[2]}{line_break}" for k, v in after.items()
    )
    text = head + key + tail
    if not final_break:
        text = text.rstrip("\r\n")
        tail = tail.rstrip("\r\n")
    result = clear(text)
    assert result.startswith(head) and result.endswith(tail)
    middle = result[len(head) : len(result) - len(tail)]
    assert yaml.safe_load(middle) == {"external_package_dirs": []}
    assert middle.endswith(line_break)
    expected: Dict[str, Any] = {**yaml.safe_load(text), "external_package_dirs": []}
    assert yaml.safe_load(result) == expected


@given(
    entries=folders,
    comments=st.lists(
        st.sampled_from(["", "  # one", " # two: [x]", "\n  # own line", "\n"]),
        min_size=4,
        max_size=4,
    ),
)
@settings(max_examples=200)
def test_comments_between_entries_survive(entries: List[str], comments: List[str]) -> None:
    items = "".join(
        f"  - {yaml.dump(entry, Dumper=Dumper, default_style=chr(34), width=1000).strip()}{comments[i]}\n"
        for i, entry in enumerate(entries)
    )
    result = clear(f"a: 1\nexternal_package_dirs:\n{items}b: 2\n")
    assert yaml.safe_load(result) == {"a": 1, "external_package_dirs": [], "b": 2}
    for comment in comments[: len(entries)]:
        assert comment.strip() in result


# --- Lists at any top-level key.


def set_requirements(text: str, *items: str) -> str:
    return set_list(text.encode(), "requirements", items).decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "a: 1\nrequirements: []  # none\nb: 2\n",
            'a: 1\nrequirements: [\n    "x==1",\n  ]  # none\nb: 2\n',
        ),
        (
            "requirements:\n- a  # one\n# two\n- b\nb: 2\n",
            'requirements: [\n    "x==1",\n  ]\n  # one\n# two\nb: 2\n',
        ),
        ("a: 1\r\nb: 2\r\n", 'requirements: [\r\n    "x==1",\r\n  ]\r\na: 1\r\nb: 2\r\n'),
        ("{a: 1}", '{requirements: [\n    "x==1",\n  ], a: 1}'),
        ("", 'requirements: [\n    "x==1",\n  ]\n'),
        ("# only a comment", '# only a comment\nrequirements: [\n    "x==1",\n  ]\n'),
        (
            "b: &b {requirements: [q]}\n<<: *b\n",
            'requirements: [\n    "x==1",\n  ]\nb: &b {requirements: [q]}\n<<: *b\n',
        ),
        ("  a: 1\n", '  requirements: [\n    "x==1",\n  ]\n  a: 1\n'),
        (
            "requirements: &r\n  - a\nothers: *r\n",
            'requirements: [\n    "x==1",\n  ]\nothers: &r ["a"]\n',
        ),
    ],
)
def test_a_list_is_set(before: str, after: str) -> None:
    assert set_requirements(before, "x==1") == after


@given(
    items=st.lists(st.text(alphabet="ab=\"'#:[]{}é\\\n@ ", max_size=8), max_size=4),
    old=st.lists(st.text(alphabet="ab=#'\" ", max_size=5), max_size=3),
    before=st.dictionaries(st.text(alphabet="abc", min_size=1, max_size=6), values, max_size=2),
    after=st.dictionaries(st.text(alphabet="xyz", min_size=1, max_size=6), values, max_size=2),
    flow=st.booleans(),
)
@settings(max_examples=200)
def test_random_lists(items: Any, old: Any, before: Any, after: Any, flow: bool) -> None:
    data = {**before, "requirements": old, **after}
    text: str = yaml.dump(
        data, Dumper=Dumper, sort_keys=False, default_flow_style=None if flow else False
    )
    result = yaml.safe_load(set_requirements(text, *items))
    assert repr(result) == repr({**yaml.safe_load(text), "requirements": items})
