"""Gets the parts of an image that Truss provides: the model server and the full config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Tuple

from pants.engine.fs import (
    EMPTY_DIGEST,
    AddPrefix,
    CreateDigest,
    Digest,
    FileContent,
    RemovePrefix,
)
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.core.requirement_files import read_lines
from pants_truss.core.server_layout import APP
from pants_truss.pants_api import (
    add_prefix,
    create_digest,
    get_digest_contents,
    implicitly,
    remove_prefix,
    rule,
)
from pants_truss.truss_cli import rules as truss_cli
from pants_truss.truss_cli.rules import (
    VALIDATE_CONFIG,
    TrussCliFailed,
    TrussScriptRequest,
    run_truss_script,
)

_SCRIPTS = "pants_truss.serving.scripts"


@dataclass(frozen=True)
class ServerFilesRequest:
    pass


@dataclass(frozen=True)
class ServerFiles:
    """`digest` holds the server below `app`. `requirements` and `constraints` are the lines of its
    pip files."""

    digest: Digest
    requirements: Tuple[str, ...]
    constraints: Tuple[str, ...]


@rule(desc="Get the model server from Truss", level=LogLevel.DEBUG)
async def get_server_files(_: ServerFilesRequest) -> ServerFiles:
    result = await run_truss_script(
        TrussScriptRequest(
            ((_SCRIPTS, "export_server.py"),),
            ("server",),
            EMPTY_DIGEST,
            "Get the model server from Truss",
            output_directories=("server",),
        ),
        **implicitly(),
    )
    if result.exit_code:
        raise TrussCliFailed(
            f"The Truss release of `[truss-cli]` has no model server that can run here: "
            f"{result.last_line}. Set `[truss-cli].install_from_resolve` to another release."
        )
    server = await remove_prefix(RemovePrefix(result.digest, "server"))
    contents = {file.path: file.content for file in await get_digest_contents(server)}
    return ServerFiles(
        await add_prefix(AddPrefix(server, APP), **implicitly()),
        *(
            tuple(line.text for line in read_lines(contents.get(name, b"")))
            for name in ("requirements.txt", "constraints.txt")
        ),
    )


@dataclass(frozen=True)
class FullConfigRequest:
    """`path` is the config's path in the repository, for errors."""

    path: str
    content: bytes


@dataclass(frozen=True)
class FullConfig:
    """`digest` holds the config with all defaults below `app`."""

    digest: Digest


@rule(desc="Fill in a config with Truss", level=LogLevel.DEBUG)
async def fill_in_config(request: FullConfigRequest) -> FullConfig:
    digest = await create_digest(
        CreateDigest([FileContent("config.yaml", request.content)]), **implicitly()
    )
    result = await run_truss_script(
        TrussScriptRequest(
            ((_SCRIPTS, "dump_config.py"), VALIDATE_CONFIG),
            ("config.yaml", f"{APP}/config.yaml"),
            digest,
            "Fill in a config with Truss",
            output_files=(f"{APP}/config.yaml",),
        ),
        **implicitly(),
    )
    if result.exit_code:
        raise TrussCliFailed(f"{request.path}: Truss cannot load the config: {result.last_line}")
    return FullConfig(result.digest)


def rules() -> Iterable[object]:
    return [*collect_rules(), *truss_cli.rules()]
