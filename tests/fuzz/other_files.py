"""Valid files of remotes, of builds and of the plugin itself that fuzzing starts from."""

from __future__ import annotations

STATE = b"""\
{"version": 1, "deployments": [{"remote": "baseten", "remote_url": "https://app.baseten.co",
"team": null, "model_name": "m", "environment": null, "deployment_name": null, "tree_digest":
"sha256:%s", "deployment_id": "d", "model_id": "i", "options": ["--promote"], "asked": 1.5,
"live": true, "status": "ACTIVE", "pushed_at": "2026", "predict_url": "u", "logs_url": "l",
"target": "a:b", "pending": {"tree_digest": "sha256:b", "options": [], "known": ["d"],
"began": 1, "process": 2}}, {"remote": "prod", "model_name": "n", "deployment_id": "e"}]}
""" % (
    b"a" * 64
)
ANSWERS = [
    b'{"model_id": "m", "version_id": "d"}',
    b'{"data": {"create": {"model_version": {"id": "d", "oracle": {"id": "m"}}}}}',
    b'{"errors": [{"message": "x"}]}',
    b'done\n{"a": 1}',
]
TRUSSRC = b"""\
[baseten]
remote_provider = baseten
api_key = abcdefgh.ijkl
  more
remote_url = https://user:pass@app.baseten.co:8443/x?y#z
[prod]
auth_type: oauth
oauth_access_token = %(x)s
remote_url = https://a
; comment
"""
MANIFEST = b"""\
{
  "version": 1,
  "target": "a:b",
  "tree_digest": "sha256:%s",
  "size": 3,
  "files": [
    {"path": "config.yaml", "sha256": "%s", "size": 3, "executable": false, "target": "a:b",
     "source": "a/config.yaml", "reason": "x"},
    {"path": "link", "sha256": "", "size": 0, "executable": true}
  ],
  "requirements": [{"requirement": "a==1", "origin": "x", "reason": null}]
}
""" % (
    b"b" * 64,
    b"a" * 64,
)

_DESCRIPTOR = (
    b'{"mediaType": "application/vnd.oci.image.%s.v1%s", "digest": "sha256:%s", "size": %d'
)
_HEX = b"a" * 64
_MANIFEST_BLOB = (
    b'{"schemaVersion": 2, "config": '
    + _DESCRIPTOR % (b"config", b"+json", _HEX, 7)
    + b'}, "layers": ['
    + _DESCRIPTOR % (b"layer", b".tar+gzip", _HEX, 7)
    + b', "annotations": {"a": 1.5}}], "annotations": {"b": "c"}}'
)
_INDEX = (
    b'{"schemaVersion": 2, "manifests": ['
    + _DESCRIPTOR % (b"manifest", b"+json", _HEX, 7)
    + b', "platform": {"os": "linux", "architecture": "amd64", "variant": "v2"}}, '
    + _DESCRIPTOR % (b"index", b"+json", b"b" * 64, 7)
    + b', "annotations": {"org.opencontainers.image.ref.name": "t"}}]}'
)
_IMAGE_CONFIG = (
    b"""\
{"os": "linux", "architecture": "amd64", "variant": "", "os.version": "1", "os.features": ["a"],
"config": {"Env": ["PATH=/bin", "A"], "Labels": {"a": "b"}, "OnBuild": null, "Cmd": ["x"]},
"rootfs": {"type": "layers", "diff_ids": ["sha256:%s"]}, "history": [{"created": "2026"}]}"""
    % _HEX
)
BASE_IMAGE = (
    b'{"index": '
    + _INDEX
    + b', "manifest": '
    + _MANIFEST_BLOB
    + b', "config": '
    + _IMAGE_CONFIG
    + b"}"
)
LAYOUT = b"\n---\n".join([_INDEX, _MANIFEST_BLOB, b"1234567"])

RECORD = b"""\
a/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0
"a/b,c.py",sha256=x,12
a-1.dist-info/RECORD,,
../../../bin/a,sha256=AAAA,1
a/__pycache__/b.pyc,,
---
#!python
[console_scripts]
a = a.b:main [c]
B = x : y.z
"""
DOCKERFILE = (
    b"""\
FROM --platform=linux/amd64 python:3.11@sha256:%s AS x
ENV A="b c" D='e' F=g\\ h PATH=${PATH}:$HOME/${X:-y}
ENV OLD the rest
# comment
RUN mkdir -p /a && \\
  useradd -u 60000 x
RUN UV_T=${U:-300} uv pip install --system --python $(which python3) -r a.txt -c b.txt
WORKDIR $A
USER app
ENTRYPOINT ["a", "b"]
CMD a b
localhost:5000/a/b_c:tag
linux/arm64/v8
"""
    % _HEX
)
