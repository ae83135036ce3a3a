"""Helpers for tests of images: stand-ins for installed distributions, and hand-made images."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shlex
import sys
import tarfile
from pathlib import Path, PurePath
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from pants.backend.python.util_rules.pex import PexRequest, Script, VenvPex, VenvPexRequest
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.fs import CreateDigest, Digest, DigestContents, FileContent, MergeDigests
from pants.engine.process import Process
from pants.testutil.rule_runner import RuleRunner
from pants.util.frozendict import FrozenDict

from pants_truss.core.oci.documents import CONFIG_TYPE, INDEX_TYPE, LAYER_TYPE, MANIFEST_TYPE
from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import gather
from pants_truss.image.distributions import FlatInstall, FlatInstallRequest
from pants_truss.image.target_types import TrussImageTarget
from pants_truss.pants_api import create_digest, execute_process, implicitly, merge_digests, rule
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget
from pants_truss.testutil.rule_runners import with_stand_ins
from pants_truss.truss_cli.rules import TrussScriptRequest, TrussScriptResult

NONE: Mapping[str, str] = FrozenDict()
OPTIONS = [
    "--truss-gather-package-collisions=warn",
    # These trusses test files; few have a model.
    "--truss-lint-disable=['config-schema', 'model-class']",
]


@rule
async def venv_of_this_python(_: VenvPexRequest) -> VenvPex:
    script = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n'
    digest = await create_digest(
        CreateDigest([FileContent("venv/python", script.encode(), is_executable=True)]),
        **implicitly(),
    )
    python = Script(PurePath("venv/python"))
    return VenvPex(digest, None, "tool.pex", python, python, FrozenDict(), "venv")


# The Dockerfile lists the environment it gets; comments in the config change what the script does.
_TRUSS = r"""
import sys
from pathlib import Path

script, *arguments = sys.argv[1:]
files = {"main.py": "# server\n", "requirements.txt": "uvicorn\n", "constraints.txt": "h11<1\n"}
if script == "make_context.py":
    truss = Path(arguments[0])
    config = (truss / "config.yaml").read_text()
    lines = [line[2:] for line in config.splitlines() if line.startswith("# ")]
    if "fail" in lines:
        sys.exit("Traceback\nValueError: the config is not to its liking")
    if "fail quietly" in lines:
        sys.exit(1)
    files = {f"server/{name}": text for name, text in files.items()}
    files["constraints.txt"] = "h11<1"
    files["config.yaml"] = config + "# as Truss writes it\n"
    given = sorted(str(file.relative_to(truss)) for file in truss.rglob("*") if file.is_file())
    first = [] if any(line.startswith("FROM") for line in lines) else ["FROM base:1.0 AS server"]
    last = [] if any(line.startswith("ENTRYPOINT") for line in lines) else [
        'ENTRYPOINT ["python3", "/app/main.py"]'
    ]
    files["Dockerfile"] = "\n".join([*(f"# {path}" for path in given), *first, *lines, *last])
for path, text in files.items():
    file = Path(arguments[-1], path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
"""


@rule
async def run_stand_in_for_truss(request: TrussScriptRequest) -> TrussScriptResult:
    program = await create_digest(
        CreateDigest([FileContent("stand_in.py", _TRUSS.encode())]), **implicitly()
    )
    inputs = await merge_digests(MergeDigests([request.input_digest, program]), **implicitly())
    result = await execute_process(
        Process(
            (sys.executable, "-I", "stand_in.py", request.scripts[0][1], *request.argv),
            input_digest=inputs,
            description=request.description,
            output_files=request.output_files,
            output_directories=request.output_directories,
        ),
        **implicitly(),
    )
    return TrussScriptResult(
        result.exit_code, result.stdout, result.stderr.decode(), result.output_digest
    )


SERVER = ("uvicorn==0.30",)


def requirements_of(pex: PexRequest) -> Tuple[str, ...]:
    """The requirements of the server come from a lockfile."""
    found = pex.requirements
    return tuple(map(str, getattr(found, "req_strings_or_addrs", SERVER)))


def installed_files(
    requirements: Iterable[str], requires: Mapping[str, str] = NONE
) -> List[FileContent]:
    """Returns a module and metadata for each requirement, such as `a==1`."""
    files = []
    for name, _, version in (text.partition("==") for text in requirements):
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version or '9'}"]
        lines += [f"Requires-Dist: {requires[name]}"] if name in requires else []
        info = f"{name}-{version or '9'}.dist-info"
        files.append(FileContent(f"{info}/METADATA", "\n".join([*lines, "", "Text"]).encode()))
        files.append(FileContent(f"{name}.py", version.encode()))
    return files


@rule
async def install_in_name_only(request: FlatInstallRequest) -> FlatInstall:
    """The server has one distribution; a truss has those that it pins."""
    files = installed_files(requirements_of(request.wanted.pex))
    digest = await create_digest(CreateDigest(files), **implicitly())
    return FlatInstall(digest, "")


# skopeo's options for signatures on this machine, with the home folder of its user.
_POLICY = ".config/containers/policy.json"
_HAS_POLICY = any(
    path.exists() for path in (Path.home() / _POLICY, Path("/etc/containers/policy.json"))
)
ANY_SIGNATURE = () if _HAS_POLICY else ("--insecure-policy",)

# Otherwise Pants would notice the new files later and rerun rules that are running.
BOOTSTRAP = ["--no-pantsd", "--no-watch-filesystem"]

_TOOLS: Tuple[Any, ...] = (venv_of_this_python, run_stand_in_for_truss)


def new_rule_runner(
    rules: Iterable[object], *queries: object, installer: Sequence[Any] = (install_in_name_only,)
) -> RuleRunner:
    """Scripts run on this Python, nothing is installed, and Truss is a small script."""
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *inference.rules(),
            *with_stand_ins((*gather.rules(), *rules), (*_TOOLS, *installer)),
            *queries,
        ],
        target_types=[TrussExternalPackageTarget, TrussImageTarget, TrussTarget],
        bootstrap_args=BOOTSTRAP,
    )


def write_program(path: Path, code: str) -> None:
    """Writes a stand-in for a tool. A shell starts it, because the path of a Python may be too long
    for a `#!` line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    script = path.with_suffix(".py")
    script.write_text(code)
    words = " ".join(map(shlex.quote, (sys.executable, "-I", str(script))))
    path.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    path.chmod(0o755)


# Variables that shells, Python and Pants set themselves.
_OF_SURROUNDINGS = {"LC_CTYPE", "OLDPWD", "PATH", "PWD", "SHLVL", "_"}


def given_environment(found: Mapping[str, str]) -> Dict[str, str]:
    return {name: value for name, value in found.items() if name not in _OF_SURROUNDINGS}


def truss_at(rule_runner: RuleRunner, folder: str, name: Optional[str] = None) -> TrussFieldSet:
    address = Address(folder, target_name=name)
    return TrussFieldSet.create(rule_runner.get_target(address))


def contents(rule_runner: RuleRunner, digest: Digest) -> Dict[str, bytes]:
    return {f.path: f.content for f in rule_runner.request(DigestContents, [digest])}


def unpacked(layer: bytes) -> Dict[str, Tuple[str, bytes]]:
    """Returns kind and content of each entry of a layer: `d`, `f`, or `x` for an executable."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        for member in tar:
            file = tar.extractfile(member)
            kind = "d" if member.isdir() else "x" if member.mode & 0o100 else "f"
            found[member.name] = (kind, file.read() if file else b"")
    return found


def member(name: str, target: str = "") -> tarfile.TarInfo:
    """Adds a file or a link."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = (tarfile.SYMTYPE, target) if target else (tarfile.REGTYPE, "")
    return info


PYTHON_LAYER = (
    member("usr/bin/python3.11"),
    member("usr/bin/python3", "python3.11"),
    member("usr/lib/python3.11/os.py"),
)


class Layout:
    """An image layout, by the paths of its files. Without `write` it has no index."""

    def __init__(self) -> None:
        self.files: Dict[str, bytes] = {}

    def blob(self, content: bytes, media_type: str) -> Dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def document(self, data: Mapping[str, Any], media_type: str) -> Dict[str, Any]:
        return self.blob(json.dumps(data).encode(), media_type)

    def image(
        self,
        *layers: Sequence[tarfile.TarInfo],
        architecture: str = "amd64",
        run: Any = None,
        **changed: Any,
    ) -> Dict[str, Any]:
        """Returns the descriptor of a manifest. `changed` are keys of the config."""
        packed, diff_ids = [], []
        for members in layers or (PYTHON_LAYER,):
            raw = io.BytesIO()
            with tarfile.open(fileobj=raw, mode="w") as tar:
                for info in members:
                    tar.addfile(info)
            diff_ids.append(f"sha256:{hashlib.sha256(raw.getvalue()).hexdigest()}")
            packed.append(self.blob(gzip.compress(raw.getvalue(), mtime=0), f"{LAYER_TYPE}+gzip"))
        config = {
            "os": "linux",
            "architecture": architecture,
            "config": {"Env": ["PATH=/usr/bin"]} if run is None else run,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            **changed,
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": self.document(config, CONFIG_TYPE),
            "layers": packed,
        }
        platform = {"os": "linux", "architecture": architecture}
        return {**self.document(manifest, MANIFEST_TYPE), "platform": platform}

    def index(self, *entries: Mapping[str, Any]) -> Dict[str, Any]:
        """Returns the descriptor of an index that is itself a blob."""
        return self.document({"schemaVersion": 2, "manifests": entries}, INDEX_TYPE)

    def write(self, *entries: Mapping[str, Any]) -> Layout:
        self.files["index.json"] = json.dumps({"manifests": entries}).encode()
        self.files["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
        return self

    def at(self, folder: str) -> Mapping[str, Any]:
        return {f"{folder}/{path}": content for path, content in self.files.items()}
