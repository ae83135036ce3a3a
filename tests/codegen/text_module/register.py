"""A backend that generates Python, as those for protobuf and thrift do: a text becomes a module."""

from __future__ import annotations

from typing import Iterable, Type

from pants.backend.python.target_types import PythonSourceField
from pants.engine.fs import CreateDigest, FileContent
from pants.engine.rules import collect_rules
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    Dependencies,
    GeneratedSources,
    GenerateSourcesRequest,
    SingleSourceField,
    Target,
)
from pants.engine.unions import UnionRule

from pants_truss.pants_api import (
    create_digest,
    digest_to_snapshot,
    get_digest_contents,
    implicitly,
    rule,
)


class TextModuleSourceField(SingleSourceField):
    expected_file_extensions = (".txt",)


class TextModuleTarget(Target):
    alias = "text_module"
    core_fields = (*COMMON_TARGET_FIELDS, Dependencies, TextModuleSourceField)


class GenerateTextModuleRequest(GenerateSourcesRequest):
    input = TextModuleSourceField
    output = PythonSourceField


@rule
async def generate_text_module(request: GenerateTextModuleRequest) -> GeneratedSources:
    (text,) = await get_digest_contents(request.protocol_sources.digest)
    module = FileContent(
        text.path.replace(".txt", ".py"), f"TEXT = {text.content.decode()!r}".encode()
    )
    digest = await create_digest(CreateDigest([module]), **implicitly())
    return GeneratedSources(await digest_to_snapshot(digest))


def rules() -> Iterable[object]:
    return [*collect_rules(), UnionRule(GenerateSourcesRequest, GenerateTextModuleRequest)]


def target_types() -> Iterable[Type[Target]]:
    return [TextModuleTarget]
