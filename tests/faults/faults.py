"""Small faults, put into the plugin one at a time to measure what the tests catch."""

from __future__ import annotations

from typing import Tuple

from faults.fault import Fault
from faults.more_faults import MORE_FAULTS

FAULTS: Tuple[Fault, ...] = (
    Fault(
        "core/gather_plan.py",
        "ignored files are gathered",
        "        for path, file in found\n        if path in kept\n",
        "        for path, file in found\n",
    ),
    Fault(
        "core/gather_plan.py",
        "a file that replaces a folder removes only one of its files",
        "            for rival in rivals:\n",
        "            for rival in rivals[:1]:\n",
    ),
    Fault(
        "core/pins.py",
        "URL requirements are not sorted",
        "*sorted(_unique(urls), key=lambda pin: pin.text))",
        "*_unique(urls))",
    ),
    Fault(
        "core/tree_digest.py",
        "paths that are not UTF-8 share a digest",
        'path.encode("utf-8", "surrogateescape")',
        'path.encode("utf-8", "replace")',
    ),
    Fault(
        "core/redaction.py",
        "a long value may be shown",
        "len(text) <= MAX_SHOWN and not",
        "len(text) <= MAX_SHOWN or not",
    ),
    Fault(
        "core/push.py",
        "the name of a deployment counts in an environment, too",
        "name = None if self.serves else self.deployment_name",
        "name = self.deployment_name",
    ),
    Fault(
        "core/lint/secret_scan.py",
        "`.env.Example` is taken for a credential",
        'name.rpartition(".")[2].lower() not in',
        'name.rpartition(".")[2] not in',
    ),
    Fault(
        "core/oci/sys_path_hook.py",
        "byte code in subfolders stays in RECORD",
        "if _BYTE_CODE.encode() not in line)",
        "if not line.startswith(_BYTE_CODE.encode()))",
    ),
    Fault(
        "core/oci/base_image.py",
        "one image that names no platform hides the others",
        "if len(known) == 1 and unnamed:",
        "if unnamed:",
    ),
    Fault(
        "core/truss_ignore.py",
        "a byte order mark is part of the first pattern",
        'user_file.decode("utf-8-sig")',
        'user_file.decode("utf-8")',
    ),
    Fault(
        "core/present_files.py",
        "a module of the packages replaces any import",
        "return self.holder_of(importer) is not None and self._is_importable(module_path)",
        "return self._is_importable(module_path)",
    ),
    Fault(
        "core/tar_parts.py",
        "a part of a tar has no largest size",
        " % _PART == 0 or len(part) == _MAX_PART:",
        " % _PART == 0:",
    ),
    Fault(
        "sources/external_packages.py",
        "external packages are sorted, so another one wins",
        "tuple(FrozenOrderedSet(addresses))",
        "tuple(sorted(set(addresses)))",
    ),
    Fault(
        "sources/external_packages.py",
        "a link to the truss itself is an external package",
        "        refuse_around(folder, entry.truss.spec_path)\n",
        "        pass\n",
    ),
    Fault(
        "gather/output_path.py",
        "two trusses of one folder may share a path",
        "if address != field.address]",
        "if address.spec_path != field.address.spec_path]",
    ),
    Fault(
        "sources/target_files.py",
        "a link that leads to a bad path is expanded",
        "for path in (bad.path, bad.real_path)]",
        "for path in (bad.path,)]",
    ),
    Fault(
        "sources/target_files.py",
        "an excluded link is an error",
        ".matches([bad.path, below])) < 2:",
        ".matches([bad.path, below])) < 1:",
    ),
    Fault(
        "goals/package.py",
        "the manifest of a tar has another name",
        "manifest_path = output.path + MANIFEST_SUFFIX",
        "manifest_path = path + MANIFEST_SUFFIX",
    ),
    Fault(
        "gather/trusses_of_run.py",
        "trusses that are excluded are named among the failures",
        "targets = await filter_targets(specs, **implicitly())",
        "specs = Specs(specs.includes, RawSpecs(description_of_origin=origin))\n"
        "    targets = await filter_targets(specs, **implicitly())",
    ),
    Fault(
        "goals/test.py",
        "a failed test is cached",
        "ProcessCacheScope.PER_SESSION if request.force else ProcessCacheScope.SUCCESSFUL",
        "ProcessCacheScope.PER_SESSION if request.force else ProcessCacheScope.ALWAYS",
    ),
    Fault(
        "goals/test.py",
        "what a model prints passes for a timeout",
        'if process.exit_code < 0 and timeout and b"Exceeded timeout"',
        'if timeout and b"Exceeded timeout"',
    ),
    Fault(
        "goals/publish.py",
        "a dry run needs credentials",
        "    if publish.dry_run:\n        return PublishProcesses([push",
        "    if publish.dry_run and not planned.access.error:\n"
        "        return PublishProcesses([push",
    ),
    Fault(
        "goals/publish.py",
        "`skip_push` is ignored where there are remotes",
        "if fields.skip_push.value or not remotes:",
        "if fields.skip_push.value and not remotes:",
    ),
    Fault(
        "serving/environment.py",
        "Python 3.13 compiles numpy",
        "python >= (3, 13)",
        "python > (3, 13)",
    ),
    Fault(
        "serving/environment.py",
        "the server's lockfile is for one Python less",
        "return LOCKED_PYTHONS[0] <= python <=",
        "return LOCKED_PYTHONS[0] < python <=",
    ),
    Fault(
        "serving/scripts/run_examples.py",
        "an answer may have more keys than expected",
        "output.keys() == expected.keys() and",
        "output.keys() >= expected.keys() and",
    ),
    Fault(
        "serving/scripts/run_examples.py",
        "the error of an example is that of the next, too",
        "        logged.errors.clear()\n",
        "        logged.errors = logged.errors[:]\n",
    ),
    Fault(
        "serving/scripts/ports.py",
        "a server cannot take the port of one that has just ended",
        "        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n",
        "        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)\n",
    ),
    Fault(
        "publish/state.py",
        "a push whose end no run has seen is skipped",
        'if "pending" in entry:',
        'if "pending" in entry and not entry.get("deployment_id"):',
    ),
    Fault(
        "publish/credentials.py",
        "credentials are logged with the process",
        "        **hidden(environment),\n",
        "        **environment,\n",
    ),
    Fault(
        "publish/scripts/redact.py",
        "a secret that is part of another is replaced first",
        "key=lambda secret: (-len(secret), secret))",
        "key=lambda secret: (len(secret), secret))",
    ),
    Fault(
        "publish/scripts/push.py",
        "a refusal is tried again",
        "if ended.error is None or not ended.is_transient:",
        "if ended.error is None:",
    ),
    Fault(
        "publish/scripts/push.py",
        "a wait that fails makes another deployment",
        "        if self._made:\n            # The wait",
        '        if self._made and not spec["wait"]:\n            # The wait',
    ),
    Fault(
        "image/truss_layers.py",
        "programs of distributions cannot be run",
        "is_executable=entry.is_executable))",
        "is_executable=False))",
    ),
    Fault(
        "image/base_image.py",
        "documents of a base are not checked",
        "check_blobs([descriptor], entries, request.what)",
        "check_blobs([], entries, request.what)",
    ),
    Fault(
        "image/scripts/make_layer.py",
        "links are followed into a layer",
        "os.O_RDONLY | os.O_NOFOLLOW",
        "os.O_RDONLY",
    ),
    Fault(
        "lint/rules.py",
        "`[truss-lint].skip` is ignored",
        "if subsystem.skip or not request.field_sets:",
        "if not request.field_sets:",
    ),
    Fault(
        "truss_cli/rules.py",
        "Truss runs with the user's home",
        'env={"HOME": "."},',
        "env={},",
    ),
    Fault(
        "dependency_inference/truss.py",
        "the lockfile is always that of the default resolve",
        "python_setup.resolves.get(resolve or python_setup.default_resolve)",
        "python_setup.resolves.get(python_setup.default_resolve)",
    ),
    Fault(
        "pants_api/_by_type.py",
        "the last parameter of a rule is its request",
        "return cast(type, task.input_selectors[0])",
        "return cast(type, task.input_selectors[-1])",
    ),
    *MORE_FAULTS,
)
