"""Valid files of users that fuzzing starts from."""

from __future__ import annotations

CONFIG = b"""\
model_name: "Sentiment"
python_version: py311
resources: {accelerator: "L4:2", cpu: "1", memory: 2Gi, use_gpu: true}
requirements:
- numpy==1.26.4  # why
- "torch @ https://x.org/t.whl"
requirements_file: ./requirements.txt
external_package_dirs: [../shared/a, "../b"]
bundled_packages_dir: packages
model_module_dir: model
model_class_filename: model.py
model_class_name: Model
data_dir: data
examples_filename: examples.yaml
secrets: {hf_token: null}
environment_variables: {A: "1"}
system_packages: [ffmpeg]
build_commands: ["pip install x"]
base_image: {image: "python:3.11@sha256:%s", python_executable_path: /usr/bin/python3}
runtime: {predict_concurrency: 1, transport: {kind: websocket}}
model_cache: [{repo_id: a/b, revision: main, use_volume: true, volume_folder: v}]
weights: [{source: "hf://a/b", mount_location: /x, auth_secret_name: s}]
external_data: [{url: "https://x/y", local_data_path: a/b}]
""" % (
    b"a" * 64
)

CONFIG_ANCHORS = b"""\
%YAML 1.1
---
base: &base {requirements: &r [a, &b b], data_dir: d}
<<: *base
? external_package_dirs
: # comment: with a colon
  - &x ../x # why

  - |-
    ../y
  - *x
again: *x
list: *r
when: 2024-01-01
...
"""

CONFIG_SERVERS = b"""\
docker_server: {start_command: "vllm serve", server_port: 8000, predict_endpoint: /p,
  readiness_endpoint: /r, liveness_endpoint: /l}
trt_llm: {build: {base_model: llama, checkpoint_repository: {source: HF, repo: x}, max_seq_len: 1,
  lora_adapters: {}, quantization_type: fp8, tensor_parallel_count: 2},
  runtime: {kv_cache_free_gpu_mem_fraction: 0.5, lora_cache_gpu_memory_fraction: .nan}}
train: {training_module_dir: t, training_class_name: T}
base_image: {docker_auth: {auth_method: GCP_SERVICE_ACCOUNT_JSON, registry: x, secret_name: s}}
model_metadata: {example_model_input: {a: [1, 0x1F, 1e400, !!binary aGk=]}}
"""

EXAMPLES = b"""\
- name: Short
  input: {text: "What", n: [1, 1.5, true, null]}
  output: {a: &a {b: c}, d: *a}
- {name: 2, input: !!str x}
"""

IGNORE = b"""\
a/b.py
# comment
__pycache__/
*.py[co]
!keep/**
/lib/**/b
a[!b-z]?c
**/x/**/y/
{a,b}{c,{d,e}}
\\#x\\ \t
"""
GIT = b'a\n[core]\n\texcludesFile = "~/x"\n[submodule "a"]\n\tpath = "a/b"\n'
POINTER = b"a\nversion https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 1\n" % (b"a" * 64)
ANNEX = b"a\n/annex/objects/SHA256E-s1--a.bin\n"

MODEL = b"""\
from __future__ import annotations

from fuzz.layer_seeds import LAYERS
import numpy as np, os.path
from model import missing, x as y
from . import z
from .a.b import *
from kit.gone import c

class Base(abc.ABC):
    def __init__(self, **kwargs): self.predict = kwargs["config"]

@decorated
class Other(Base): pass

class Model(Base, metaclass=M):
    x: int = 1
    async def predict(self, request: "Request", *args, a=1, /, **k) -> Dict[str, int]:
        global g
        match request:
            case {"a": b}: return lambda self: globals()
    def preprocess(self, inputs): yield inputs
    @staticmethod
    def load(): ...
    def postprocess(self, a: starlette.requests.Request, b): return f"{a!r:>{b}}"
"""

SECRETS = [
    b"aws = AKIAABCDEFGHIJKLMNOP\n",
    b'{"k": "a\\nghp_aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY1zA3"}',
    b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4\nx\n\n" + b"Ab1+" * 20,
    b"A=hf_" + b"aBcDeFgHiJ" * 3 + b"abcd\nPASSWORD=xyz\nsk-proj-T3BlbkFJ" + b"aB1" * 8,
]

REQUIREMENTS = b"""\
# -*- coding: utf-8 -*-
--extra-index-url https://me:token@x.org/simple --pre
-r base.txt
-e ./a
numpy[b,c]==1.26.4 ; python_version >= "3.8" and extra == 'x_y' \\
  --hash=sha256:0123 \\
  --hash sha256:4567
torch @ https://a:b@x.org/t-1.whl#sha256=aa ; python_full_version < "3.11.4"
git+ssh://git@host/my-lib.git@v1#egg=my_lib[a]&subdirectory=b
./wheels/x-1-py3-none-any.whl
https://${USER}:${TOKEN}@x.org/a.tar.gz
Django~=4.0,!=4.1.*
"""
UTF16 = "\ufeffnumpy==1\n".encode("utf-16-le")

PEX_LOCK = b"""\
// comment
{"allow_builds": true, "locked_resolves": [{"locked_requirements": [{"artifacts": [
{"algorithm": "sha256", "hash": "aa", "url": "https://files.pythonhosted.org/a-1.whl"}],
"project_name": "A_b", "requires_dists": ["c[d]>=1; extra == 'x_y'", "e @ git+https://h/e@1"],
"requires_python": ">=3.8", "version": "1.0+cpu"}, {"artifacts": [{"algorithm": "sha256",
"hash": "bb", "url": "git+https://h/c.git"}], "project_name": "c", "requires_dists": [],
"requires_python": null, "version": "2"}], "marker": "python_version >= '3.8'",
"platform_tag": ["cp311", "cp311", "manylinux_2_31_x86_64"]}], "requirements": ["a-b[x]==1.0"],
"requires_python": ["CPython-t==3.11.*", "<3.13,>=3.9"], "path_mappings": {}}
"""
UV_LOCK = b"""\
version = 1
requires-python = ">=3.10"

[[package]]
name = "resolve"
version = "0"
source = { virtual = "." }
dependencies = [{ name = "numpy" }]

[[package]]
name = "numpy"
version = "2.1.0"
source = { registry = "https://me:s3@own/simple" }
resolution-markers = ["python_full_version >= '3.11'"]
dependencies = [{ name = "b", extra = ["c"], marker = "sys_platform == 'linux'" }]
wheels = [{ url = "https://x/a.whl", hash = "sha256:aa", size = 1 }]

[package.optional-dependencies]
e-f = [{ name = "g" }]

[[package]]
name = "b"
version = "1"
source = { git = "https://host/y?subdirectory=a%2Fb&tag=1#4567def" }

[[package]]
name = "g"
version = "1"
source = { url = "https://host/z-1.zip", subdirectory = "c" }
"""
CONSTRAINTS = b"""\
--extra-index-url https://x.org
a==1.0 \\
    --hash=sha256:00
    # via
    #   -r requirements.in
    #   b[c]
b===2 ; python_full_version >= "3.11.4"  # via d, e
b==1 ; python_full_version < "3.11.4"  # via d
d @ https://x.org/d.whl
e==1!2.0.post1
"""
OTHER_LOCKS = [b"lock-version = 1\n", b"[[package]]\nname = 1\n", b"metadata:\npackage:\n", b"{}"]

PYPROJECT = b"""\
[project]
name = "x"
dependencies = ["numpy>=1", "torch @ https://a:b@x.org/t.whl"]
dynamic = ["version"]
[tool.poetry]
a.b."c d" = [1, 2.5e3, 1979-05-27T07:32:00Z, '''x''', \"\"\"\\u00e9\"\"\", {a = 1}]
"""
UV_OUTPUT = b"""\
--index-url https://x.org/simple
numpy==1.26.4 \\
    --hash=sha256:00
    # via x
    # from https://me:pw@own/simple
b==1 --hash=sha256:11
    # from ./wheels
"""

PEX_OUTPUT = [
    b"pid 12 -> ERROR: Could not find a version\nERROR: No matching distribution found for a==1\n",
    b"Could not find a compatible interpreter\n3.) /usr/bin/python3.11:\nCPython-t==3.9.1\n",
    b"The conflict is caused by:\n    a 1 depends on b\n\nTo fix\n",
    b"No pre-built wheel was available for a 1.\n",
    b"\x1b[31mfatal: https://a:b@x \xe2\x95\xb0\xe2\x94\x80> \n[end of output]\n",
]
