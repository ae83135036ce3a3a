"""Findings as SARIF 2.1.0 (OASIS), which CI systems show beside the code."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, List, Sequence
from urllib.parse import quote

from pants_truss.core.lint.finding import RULES, Finding, how_to_silence
from pants_truss.core.lint.report import LintedTruss
from pants_truss.core.terminal import visible

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def to_sarif(trusses: Sequence[LintedTruss]) -> bytes:
    """One run. A finding that several trusses share is one result, which names them all."""
    names: Dict[Finding, List[str]] = {}
    for truss in trusses:
        for finding in truss.findings:
            names.setdefault(finding, []).append(truss.name)
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver()},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {
                    "SRCROOT": {"description": {"text": "The root of the repository."}}
                },
                "results": [_result(finding, named) for finding, named in names.items()],
            }
        ],
    }
    return (json.dumps(log, indent=2, sort_keys=True) + "\n").encode("utf-8")


def _driver() -> Dict[str, Any]:
    return {
        "name": "pants-truss",
        "rules": [
            {
                "id": rule.name,
                "defaultConfiguration": {"level": rule.severity.value},
                "shortDescription": {"text": rule.summary},
                "fullDescription": {"text": rule.help},
                "help": {"text": f"{rule.help} {how_to_silence([rule.name])}".strip()},
            }
            for rule in RULES
        ],
    }


_INDEX = {rule.name: index for index, rule in enumerate(RULES)}


def _result(finding: Finding, trusses: Sequence[str]) -> Dict[str, Any]:
    return {
        "ruleId": finding.rule,
        "ruleIndex": _INDEX[finding.rule],
        "level": finding.severity.value,
        "message": {"text": finding.text},
        "locations": [{"physicalLocation": _location(finding)}],
        # A CI system knows a finding again by this, though the lines above it change.
        "partialFingerprints": {"finding/v2": _fingerprint(finding)},
        "properties": {"trusses": list(trusses)},
    }


def _location(finding: Finding) -> Dict[str, Any]:
    location: Dict[str, Any] = {
        "artifactLocation": {"uri": quote(finding.path), "uriBaseId": "SRCROOT"}
    }
    if finding.line:
        location["region"] = {"startLine": finding.line}
        if finding.column:
            location["region"]["startColumn"] = finding.column
    return location


def _fingerprint(finding: Finding) -> str:
    parts = "\0".join((finding.rule, finding.path, visible(finding.message)))
    return hashlib.sha256(parts.encode("utf-8")).hexdigest()
