"""Runs skopeo, which copies images between registries and folders."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Iterable, Optional, Tuple

from pants.core.util_rules import system_binaries
from pants.core.util_rules.system_binaries import BinaryPathRequest, BinaryPathTest
from pants.engine.env_vars import EnvironmentVars, EnvironmentVarsRequest
from pants.engine.fs import Digest
from pants.engine.process import Process, ProcessCacheScope
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.image.subsystem import TrussImageSubsystem
from pants_truss.pants_api import (
    execute_process,
    find_binary,
    get_environment_vars,
    implicitly,
    rule,
)


@dataclass(frozen=True)
class SkopeoRequest:
    """`is_pinned` is True if the same arguments always give the same result."""

    arguments: Tuple[str, ...]
    description: str
    is_pinned: bool
    output_directories: Tuple[str, ...] = ()


@dataclass(frozen=True)
class SkopeoResult:
    stdout: str
    digest: Digest
    error: Optional[str]


@dataclass(frozen=True)
class FindSkopeoRequest:
    """`rationale` says what skopeo is needed for, for messages."""

    rationale: str


@dataclass(frozen=True)
class Skopeo:
    """`command` is the start of the command line; `search_path` is its `PATH`. `policy` is a digest
    of the machine's signature policy, or empty if it has none."""

    command: Tuple[str, ...]
    search_path: str
    env: EnvironmentVars
    policy: str


# skopeo uses the first of these files, and fails without one. The output is its path and content,
# and the keys and certificates that it names: the same policy accepts other images with others.
_FIND_POLICY = """\
home=${HOME:-$(eval "printf %s ~$(id -un)")}
for file in "$home/.config/containers/policy.json" /etc/containers/policy.json; do
    if [ -e "$file" ]; then
        printf '%s\\n' "$file"
        cat "$file" || exit 1
        grep -o '"/[^"]*"' "$file" | tr -d '"' | while IFS= read -r key; do
            [ ! -f "$key" ] || head -c 1000000 "$key"
        done
        exit 0
    fi
done
"""
# The environment variable makes the policy part of the key of cached calls.
POLICY_VARIABLE = "PANTS_TRUSS_SIGNATURE_POLICY"
_ANY_SIGNATURE = "--insecure-policy"


@rule
async def find_skopeo(
    request: FindSkopeoRequest,
    options: TrussImageSubsystem,
    env_aware: TrussImageSubsystem.EnvironmentAware,
) -> Skopeo:
    search = BinaryPathRequest(
        binary_name="skopeo",
        search_path=env_aware.executable_search_path,
        test=BinaryPathTest(args=["--version"]),
    )
    found = await find_binary(search, **implicitly())
    path = found.first_path_or_raise(search, rationale=request.rationale)
    env = await get_environment_vars(EnvironmentVarsRequest(options.env_vars), **implicitly())
    policy = await execute_process(
        Process(
            argv=("/bin/sh", "-c", _FIND_POLICY),
            env={"PATH": "/usr/bin:/bin", **({"HOME": env["HOME"]} if env.get("HOME") else {})},
            description="Look for a signature policy",
            level=LogLevel.DEBUG,
            cache_scope=ProcessCacheScope.PER_SESSION,
        ),
        **implicitly(),
    )
    # A machine without a policy trusts the registry's certificate, like Docker. A policy is never
    # bypassed, whatever it demands.
    has_policy = bool(policy.stdout or policy.exit_code)
    search_path = ":".join([*env_aware.executable_search_path, "/usr/bin", "/bin"])
    return Skopeo(
        (path.path,) if has_policy else (path.path, _ANY_SIGNATURE),
        search_path,
        env,
        hashlib.sha256(policy.stdout).hexdigest() if has_policy else "",
    )


@rule(desc="Run skopeo", level=LogLevel.DEBUG)
async def run_skopeo(request: SkopeoRequest) -> SkopeoResult:
    skopeo = await find_skopeo(FindSkopeoRequest("fetch the base image of a truss"), **implicitly())
    result = await execute_process(
        Process(
            argv=(*skopeo.command, *request.arguments),
            # What one policy accepts, another may refuse.
            env={**skopeo.env, **({POLICY_VARIABLE: skopeo.policy} if skopeo.policy else {})},
            description=request.description,
            output_directories=request.output_directories,
            cache_scope=(
                ProcessCacheScope.SUCCESSFUL if request.is_pinned else ProcessCacheScope.PER_SESSION
            ),
        ),
        **implicitly(),
    )
    error = read_error(result.stderr) if result.exit_code else None
    return SkopeoResult(result.stdout.decode(), result.output_digest, error)


def read_error(stderr: bytes) -> str:
    """Returns the message in the last line, without the fields of the log format."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines() or ["no output"]
    message = re.search(r'msg="((?:[^"\\]|\\.)*)"', lines[-1])
    return message.group(1).replace('\\"', '"') if message else lines[-1]


def rules() -> Iterable[object]:
    return [*collect_rules(), *system_binaries.rules()]
