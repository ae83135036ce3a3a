"""Sets a list in the text of a config file and leaves every other byte alone.

Truss rewrites the whole file when it gathers: it drops comments and order, and writes every
default. This module keeps the bytes around the value. Replacing a slice of the text is not enough:
the value may be in block style, be an alias, come from a merge key, or hold anchors that are used
elsewhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import yaml

from pants_truss.core.errors import TrussError
from pants_truss.core.yaml_document import parse


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class _Value:
    """The position of a value in block or flow style: character offsets into the text."""

    start: int
    end: int
    is_block: bool
    colon_end: int


def clear_external_package_dirs(content: bytes) -> bytes:
    """Returns the config with `external_package_dirs: []`.

    Returns a config whose value is already empty unchanged.
    """
    key = "external_package_dirs"
    return set_list(content, key, ()) if parse(content).data.get(key) else content


def set_list(content: bytes, key: str, items: Sequence[str]) -> bytes:
    """Returns the config with a list of strings at a top-level key; every other byte stays.

    Comments survive, including those between the items of a block sequence, but not those within a
    flow sequence or on the first line of a block scalar. The result is parsed again and compared
    with the intended data, so a style that this code does not understand ends in an error, not in
    a wrong config.
    """
    document = parse(content)
    edited = _apply(document.text, list(_edits(document.text, document.data, key, items)))
    result = edited.encode("utf-8")
    if _comparable(parse(result).data) != _comparable({**document.data, key: list(items)}):
        raise TrussError(
            f"`{key}` is written in a way that cannot be edited in place. Write it as a plain list."
        )
    return result


def _flow_list(text: str, items: Sequence[str]) -> str:
    """Writes flow style, one item a line, which is valid anywhere in a document."""
    if not items:
        return "[]"
    lines = ["[", *(f"    {json.dumps(item, ensure_ascii=False)}," for item in items), "  ]"]
    return _line_break(text).join(lines)


def _line_break(text: str) -> str:
    return next((b for b in ("\r\n", "\n", "\r") if b in text), "\n")


def _comparable(data: Dict[Any, Any]) -> Dict[Any, str]:
    # Compares representations, because a NaN is not equal to itself.
    return {key: repr(value) for key, value in data.items()}


def _apply(text: str, edits: List[_Edit]) -> str:
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _edits(text: str, data: Dict[Any, Any], key: str, items: Sequence[str]) -> Iterator[_Edit]:
    events = list(yaml.parse(text, Loader=yaml.SafeLoader))
    new = _flow_list(text, items)
    value_events = _value_events(events, key)
    if value_events is None:
        # The key is absent or comes from a merge; an explicit key overrides a merged one.
        yield _insert_key(text, key, new)
        return
    first, last = value_events
    inside = range(first, last + 1)
    yield from _move_anchors(events, inside, data[key])
    yield from _replace_value(text, _locate_value(text, events, first, last), new)


def _value_events(events: List[yaml.Event], key: str) -> Optional[Tuple[int, int]]:
    """The indices of the first and last event of the value of a top-level key."""
    start = next((i for i, e in enumerate(events) if isinstance(e, yaml.MappingStartEvent)), None)
    if start is None:
        return None
    index = start + 1
    while not isinstance(events[index], yaml.MappingEndEvent):
        key_end = _end_of_node(events, index)
        value_end = _end_of_node(events, key_end + 1)
        if getattr(events[index], "value", None) == key:
            return key_end + 1, value_end
        index = value_end + 1
    return None


def _end_of_node(events: List[yaml.Event], start: int) -> int:
    depth = 0
    for index in range(start, len(events)):
        if isinstance(events[index], yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(events[index], yaml.CollectionEndEvent):
            depth -= 1
        if depth == 0:
            return index
    raise AssertionError("the parser closes every node")


def _start(event: Any) -> int:
    return int(event.start_mark.index)


def _end(event: Any) -> int:
    return int(event.end_mark.index)


def _locate_value(text: str, events: List[yaml.Event], first: int, last: int) -> _Value:
    start_event = events[first]
    return _Value(
        start=_start(start_event),
        end=_end(events[last]),
        is_block=isinstance(start_event, yaml.SequenceStartEvent) and not start_event.flow_style,
        colon_end=_colon_after(text, _end(events[first - 1])),
    )


def _colon_after(text: str, key_end: int) -> int:
    # An explicit key (`? key`) may have a comment, with colons in it, before its colon.
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.ValueToken) and token.start_mark.index >= key_end:
            return int(token.end_mark.index)
    raise AssertionError("every key has a value token")


def _replace_value(text: str, value: _Value, new: str) -> Iterator[_Edit]:
    if not value.is_block:
        yield _Edit(value.start, value.end, new)
        return
    yield _Edit(value.colon_end, value.colon_end, f" {new}")
    spans = [
        (token.start_mark.index, token.end_mark.index)
        for token in yaml.scan(text, Loader=yaml.SafeLoader)
        if value.start <= token.start_mark.index < value.end
    ]
    yield from _remove_spans(text, [(start, end) for start, end in spans if start < end])


def _remove_spans(text: str, spans: List[Tuple[int, int]]) -> Iterator[_Edit]:
    """Removes the spans, and every line that holds nothing else."""
    for start, end in _merge_spans(text, spans):
        line_start = _line_start(text, start)
        line_end = _line_end(text, end)
        whole_lines = not text[line_start:start].strip() and not text[end:line_end].strip()
        if not whole_lines:
            ends_line = not text[end:line_end].strip()
            yield _Edit(len(text[:start].rstrip(" \t")) if ends_line else start, end, "")
        elif line_end < len(text):
            yield _Edit(line_start, _after_line_break(text, line_end), "")
        else:
            # The file ends without a line break; keep it that way.
            yield _Edit(_before_line_break(text, line_start), line_end, "")


def _merge_spans(text: str, spans: List[Tuple[int, int]]) -> List[Tuple[int, int]]:
    """Joins the spans that only white space separates."""
    merged: List[Tuple[int, int]] = []
    for start, end in spans:
        # The token of a block scalar reaches to the start of the next token.
        end = start + len(text[start:end].rstrip())
        if merged and not text[merged[-1][1] : start].strip():
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def _line_start(text: str, index: int) -> int:
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1


def _line_end(text: str, index: int) -> int:
    ends = [end for end in (text.find("\r", index), text.find("\n", index)) if end >= 0]
    return min(ends, default=len(text))


def _after_line_break(text: str, index: int) -> int:
    return index + (2 if text[index : index + 2] == "\r\n" else 1)


def _before_line_break(text: str, index: int) -> int:
    return index - (2 if text[max(index - 2, 0) : index] == "\r\n" else min(index, 1))


def _insert_key(text: str, key: str, new: str) -> _Edit:
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.FlowMappingStartToken):
            return _Edit(token.end_mark.index, token.end_mark.index, f"{key}: {new}, ")
        if isinstance(token, yaml.BlockMappingStartToken):
            start = token.start_mark
            indent = " " * start.column
            return _Edit(start.index, start.index, f"{key}: {new}{_line_break(text)}{indent}")
    # The document holds nothing but comments.
    before = "" if not text or text.endswith(("\n", "\r")) else _line_break(text)
    return _Edit(len(text), len(text), f"{before}{key}: {new}{_line_break(text)}")


def _move_anchors(events: List[yaml.Event], inside: range, value: Any) -> Iterator[_Edit]:
    """Moves each anchored value of the removed value to the first alias that uses it elsewhere."""
    anchored = _anchored_values(events, inside, value)
    for index, event in enumerate(events):
        if (
            index in inside
            or not isinstance(event, yaml.AliasEvent)
            or event.anchor not in anchored
        ):
            continue
        text = json.dumps(anchored.pop(event.anchor), ensure_ascii=False)
        yield _Edit(_start(event), _end(event), f"&{event.anchor} {text}")


def _anchored_values(events: List[yaml.Event], inside: range, value: Any) -> Dict[str, Any]:
    """Returns anchor -> data, for anchors in the value (a list of strings) and on it."""
    anchored: Dict[str, Any] = {}
    position = 0
    for index in inside:
        event = events[index]
        anchor = getattr(event, "anchor", None)
        if isinstance(event, yaml.SequenceStartEvent):
            if anchor:
                anchored[anchor] = value
        elif isinstance(event, (yaml.ScalarEvent, yaml.AliasEvent)):
            if anchor and isinstance(event, yaml.ScalarEvent):
                anchored[anchor] = value[position]
            position += 1
    return anchored
