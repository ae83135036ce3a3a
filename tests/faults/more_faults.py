"""Forty more faults, chosen by another reader, who had not seen the tests."""

from __future__ import annotations

from typing import Tuple

from faults.fault import Fault

MORE_FAULTS: Tuple[Fault, ...] = (
    Fault(
        "core/lockfile.py",
        "the fragment of a URL is taken for a comment",
        'match = re.search(r"(?:^|\\s)#", line)',
        'match = re.search(r"#", line)',
    ),
    Fault(
        "core/config_edit.py",
        "what is inserted in a file with CRLF has LF",
        'for b in ("\\r\\n", "\\n", "\\r") if b in text',
        'for b in ("\\n", "\\r\\n", "\\r") if b in text',
    ),
    Fault(
        "core/gitignore.py",
        "spaces around a pattern are part of it",
        "_compile_leniently(line.strip())) for index, line",
        "_compile_leniently(line)) for index, line",
    ),
    Fault(
        "core/push.py",
        "one of the two variables of a remote is passed over in silence",
        "if (url or key) and release",
        "if (url and key) and release",
    ),
    Fault(
        "core/lint/config_rules.py",
        "places of weights that are spelt in two ways are two",
        'folder = posixpath.normpath("/" + mount.lstrip("/"))',
        "folder = mount",
    ),
    Fault(
        "core/lint/sarif.py",
        "paths are not quoted as URIs",
        '{"uri": quote(finding.path), "uriBaseId"',
        '{"uri": finding.path, "uriBaseId"',
    ),
    Fault(
        "core/oci/layer_plan.py",
        "shared packages get one layer more than they may have",
        "else roots[: most - 1]",
        "else roots[:most]",
    ),
    Fault(
        "core/oci/platforms.py",
        "wheels for the oldest glibc do not fit",
        "range(newest, oldest - 1, -1)",
        "range(newest, oldest, -1)",
    ),
    Fault(
        "imports/import_graph.py",
        "the `__init__.py` of a source root is bundled",
        "folders = [folder for folder in ancestors(file) if folder != source_root]",
        "folders = [*ancestors(file)]",
    ),
    Fault(
        "imports/imported_files.py",
        "generated code is not bundled",
        "enable_codegen=True,",
        "enable_codegen=False,",
    ),
    Fault(
        "sources/workspace_scan.py",
        "what only its owner may execute is not executable",
        "if found.st_mode & 0o100:",
        "if found.st_mode & 0o001:",
    ),
    Fault(
        "requirements/configured.py",
        "credentials in a requirement get into the manifest",
        "GatheredRequirement(redacted(line.text), origin, reasons",
        "GatheredRequirement(line.text, origin, reasons",
    ),
    Fault(
        "gather/plan_findings.py",
        "a broken link in place of an ignored folder is an error",
        "if not ignore.is_ignored(path) and not ignore.is_dir_ignored(path):",
        "if not ignore.is_ignored(path) or not ignore.is_dir_ignored(path):",
    ),
    Fault(
        "lint/findings.py",
        "the daemon remembers an error whose cause is gone",
        "    await find_session(SessionRequest(), **implicitly())\n"
        "    return FallibleLintedTruss(LintedTruss(",
        "    return FallibleLintedTruss(LintedTruss(",
    ),
    Fault(
        "goals/check.py",
        "one truss without errors makes the check of all succeed",
        "exit_code=int(any(truss.has_errors",
        "exit_code=int(all(truss.has_errors",
    ),
    Fault(
        "image/goals/publish.py",
        "of an image for several platforms one is pushed",
        '"copy", "--all", "--preserve-digests"',
        '"copy", "--preserve-digests"',
    ),
    Fault(
        "goals/tailor_python.py",
        "an `__init__.py` with a line break alone is not empty",
        "if not file.content.strip())",
        "if not file.content)",
    ),
    Fault(
        "goals/explain.py",
        "`--path=./config.yaml` is not found",
        "normal = normalize_inside(path) or path",
        "normal = path",
    ),
    Fault(
        "image/goals/run.py",
        "the first platform is run, though there is this machine's own",
        "return (fitting or platforms)[0]",
        "return platforms[0]",
    ),
    Fault(
        "goals/train.py",
        "the list of a training job has hashes for a part of it",
        "lines = with_all_hashes_or_none(listed.requirements)",
        "lines = listed.requirements",
    ),
    Fault(
        "serving/missing_module_advice.py",
        "advice on a missing module shows the credentials of a URL",
        "requirement = redacted(requirement_text(target[PythonRequirementsField].value[0]))",
        "requirement = requirement_text(target[PythonRequirementsField].value[0])",
    ),
    Fault(
        "serving/unowned_module_search.py",
        "the first file by name is meant, not the nearest one",
        "return sorted(files, key=lambda file: (distance(file), file))",
        "return sorted(files)",
    ),
    Fault(
        "core/local_serving.py",
        "the environment has `True` where Truss has `true`",
        "str(name): str(value).lower() if isinstance(value, bool) else str(value)",
        "str(name): str(value)",
    ),
    Fault(
        "serving/scripts/local_truss.py",
        "the caller's PYTHONPATH reaches the processes of a model",
        'if name.startswith("PEX_") or name in ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"):',
        'if name.startswith("PEX_") or name in ("PYTHONHOME", "PYTHONSTARTUP"):',
    ),
    Fault(
        "training/scripts/run_training.py",
        "the exit code that a training function returns is lost",
        "sys.exit(result if isinstance(result, int) else 0)",
        "sys.exit(0)",
    ),
    Fault(
        "serving/scripts/model_problems.py",
        "an error that the model itself logs is a failure",
        "if error and self._app in folders and self._model not in folders:",
        "if error and self._app in folders:",
    ),
    Fault(
        "publish/state.py",
        "two pushes may write the state at one time",
        "fcntl.flock(descriptor, fcntl.LOCK_EX)",
        "fcntl.flock(descriptor, fcntl.LOCK_SH)",
    ),
    Fault(
        "publish/process.py",
        "there is one attempt too few",
        '"attempts": max(options.retries, 0) + 1,',
        '"attempts": max(options.retries, 1),',
    ),
    Fault(
        "publish/scripts/truss_cli.py",
        "a rate limit ends a push",
        "return status >= 500 or status in _TRANSIENT_STATUSES",
        "return status >= 500",
    ),
    Fault(
        "publish/scripts/record.py",
        "of several new deployments the first is taken for one's own",
        "return new[0] if len(new) == 1 and not new[0].has_failed else None",
        "return new[0] if new and not new[0].has_failed else None",
    ),
    Fault(
        "publish/scripts/baseten.py",
        "a key from a keyring is redacted only with the word before it",
        'return [header, header.partition(" ")[2]]',
        "return [header]",
    ),
    Fault(
        "image/distributions.py",
        "a distribution that is spelt in two ways counts twice",
        "seen.setdefault(canonicalize_name(found.name), found)",
        "seen.setdefault(found.name, found)",
    ),
    Fault(
        "image/oci_image.py",
        "labels of the base come before those of the target",
        '{**((data.get("config") or {}).get("Labels") or {}), **labels}',
        '{**labels, **((data.get("config") or {}).get("Labels") or {})}',
    ),
    Fault(
        "image/scripts/make_layer.py",
        "a layer of 4 GiB cannot be made",
        "self._size & 0xFFFFFFFF)",
        "self._size)",
    ),
    Fault(
        "image/scripts/inspect_base.py",
        "what a layer removes from the root of a base stays",
        'hidden.append(f"{folder}/{last[4:]}".lstrip("/"))',
        'hidden.append(f"{folder}/{last[4:]}")',
    ),
    Fault(
        "image/scripts/run_image.py",
        "secrets are in the list of processes",
        '*(f"--env={name}" for name in sorted(names)),',
        '*(f"--env={name}={os.environ.get(name)}" for name in sorted(names)),',
    ),
    Fault(
        "subsystems/lint.py",
        "a report may leave its folder",
        "inside = normalize_inside(self.report)",
        "inside = self.report",
    ),
    Fault(
        "truss_cli/validate_config.py",
        "Truss is not asked about unknown keys",
        '            if hasattr(config, "validate_forbid_extra"):\n'
        "                config.validate_forbid_extra()\n",
        "",
    ),
    Fault(
        "dependency_inference/truss.py",
        "`bundle_imports=False` follows imports",
        "    if fields.bundle_imports.value:\n        found +=",
        "    if True:\n        found +=",
    ),
    Fault(
        "image/docker_build.py",
        "names by a local alias are pushed",
        "    if uses_local_alias:\n",
        "    if uses_local_alias and registry.skip_push:\n",
    ),
)
