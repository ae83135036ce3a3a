"""Trusses as teams write them: all are valid, so there is nothing to report on any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Tuple


@dataclass(frozen=True)
class Realistic:
    """`config` is the `config.yaml`; `files` the others, relative to the truss."""

    name: str
    config: str
    files: Dict[str, str]


# For the trusses where the model is not the point.
ECHO = {
    "model/__init__.py": "",
    "model/model.py": """\
class Model:
    def __init__(self, **kwargs):
        self._ready = False

    def load(self):
        self._ready = True

    def predict(self, model_input):
        return {"ready": self._ready, "echo": model_input}
""",
}

REALISTIC: Tuple[Realistic, ...] = (
    Realistic(
        "name_only",
        "model_name: heartbeat\n",
        ECHO,
    ),
    Realistic(
        "sklearn_cpu",
        """\
model_name: churn-score
description: Probability that an account leaves within a quarter.
python_version: py310
requirements:
  - scikit-learn==1.5.2
  - joblib==1.4.2
  - pandas==2.2.3
resources:
  cpu: "2"
  memory: 4Gi
  use_gpu: false
""",
        {
            "data/columns.json": '["tenure", "plan", "tickets"]\n',
            "model/__init__.py": "",
            "model/model.py": """\
import json

import joblib
import pandas as pd


class Model:
    def __init__(self, **kwargs):
        self._data_dir = kwargs["data_dir"]
        self._columns = []
        self._pipeline = None

    def load(self):
        self._columns = json.loads((self._data_dir / "columns.json").read_text())
        self._pipeline = joblib.load(self._data_dir / "pipeline.joblib")

    def predict(self, model_input):
        frame = pd.DataFrame(model_input["rows"], columns=self._columns)
        return {"scores": self._pipeline.predict_proba(frame)[:, 1].tolist()}
""",
        },
    ),
    Realistic(
        "preprocess_and_postprocess",
        """\
model_name: Freight price
python_version: py312
model_metadata:
  example_model_input:
    origin: Gdynia
    weight_kg: 840.5
requirements: [xgboost==2.1.3, "numpy>=1.26,<3", 'geopy~=2.4']
spec_version: '2.0'
data_dir: ./data
resources: {cpu: 500m, memory: 1536Mi}
""",
        {
            "data/booster.json": "{}\n",
            "model/model.py": """\
import numpy as np
import xgboost


class Model:
    def __init__(self, data_dir, **kwargs):
        self._booster = xgboost.Booster(model_file=data_dir / "booster.json")

    def preprocess(self, request):
        return np.array([[len(request["origin"]), request["weight_kg"]]])

    def predict(self, features):
        return self._booster.predict(xgboost.DMatrix(features))

    def postprocess(self, prices):
        return {"price": round(float(prices[0]), 2)}
""",
        },
    ),
    Realistic(
        "transformers_and_system_packages",
        """\
model_name: ticket-router
python_version: py311
model_metadata:
  tags: [text-classification, support]
requirements:
  - transformers[torch,sentencepiece]==4.46.3
  - torch==2.5.1
  - accelerate>=1.1,<1.3
system_packages:
  - ffmpeg
  - libsndfile1=1.2.0-1
  - libmagic1=1:5.44-3
  - libc6-dev:amd64
  - g++
resources:
  accelerator: A10G
  cpu: "4"
  memory: 16Gi
  use_gpu: true
secrets:
  hf_access_token: null
""",
        ECHO,
    ),
    Realistic(
        "stream_on_two_gpus",
        """\
model_name: story-writer-34b
python_version: py311
requirements:
  - torch==2.4.0
  - transformers==4.45.2
  - accelerate==1.0.1
resources:
  accelerator: H100:2
  cpu: "16"
  memory: 128Gi
runtime:
  predict_concurrency: 8
  streaming_read_timeout: 300
""",
        {
            "model/model.py": """\
from threading import Thread

from transformers import AutoTokenizer, TextIteratorStreamer, pipeline


class Model:
    def load(self):
        self._tokenizer = AutoTokenizer.from_pretrained("acme/story-34b")
        self._generate = pipeline(model="acme/story-34b", device_map="auto")

    def predict(self, model_input):
        streamer = TextIteratorStreamer(self._tokenizer, skip_prompt=True)
        arguments = {"streamer": streamer, "max_new_tokens": 512}
        Thread(target=self._generate, args=(model_input["prompt"],), kwargs=arguments).start()
        for text in streamer:
            yield text
""",
        },
    ),
    Realistic(
        "two_nodes",
        """\
model_name: mega-moe
base_image:
  image: registry.acme.example:5000/serving/vllm-ray:2.9.1
docker_server:
  start_command: bash -c "/opt/serve/join_ray.sh && vllm serve /weights/mega --port 8000"
  server_port: 8000
  predict_endpoint: /v1/chat/completions
  readiness_endpoint: /health
  liveness_endpoint: /health
weights:
  - source: hf://acme/mega-moe@6b2f8d1c
    mount_location: /weights/mega
resources:
  accelerator: H100:8
  node_count: 2
  fabric:
    use_rdma: true
    preferences: [infiniband]
""",
        {},
    ),
    Realistic(
        "requirements_of_every_form",
        """\
model_name: kitchen_sink
python_version: py311
requirements:
  - --extra-index-url https://download.pytorch.org/whl/cu121
  - -f https://wheels.acme.example/simple/index.html
  - --pre
  - torch==2.4.1+cu121
  - uvicorn[standard]>=0.30
  - 'tomli>=2; python_version < "3.11"'
  - pywin32==306 ; sys_platform == 'win32'
  - git+https://github.com/acme/audio-tools.git@v1.4.0#egg=audio-tools
  - audio-models @ git+https://github.com/acme/audio-models@9c1e2f7#subdirectory=python
  - https://files.acme.example/wheels/fused_ops-0.3.1-cp311-cp311-linux_x86_64.whl
  - fused-norm @ https://files.acme.example/fused_norm-1.0-py3-none-any.whl
  - Pillow   # the image codec
  - ruamel.yaml!=0.18.0,~=0.18
  - zope.interface === 6.4
""",
        ECHO,
    ),
    Realistic(
        "requirements_txt_and_namespace_folders",
        """\
model_name: invoice-reader
python_version: py310
requirements_file: ./requirements.txt
system_packages: [tesseract-ocr, tesseract-ocr-deu, poppler-utils]
model_metadata:
  languages:
    - deu
    - eng
secrets: {}
resources: {cpu: "3", memory: 6Gi}
""",
        {
            "model/model.py": """\
import single_module
from acme.features.text import tokens
from acme.ranking import order
from plain.sub import deep


class Model:
    def predict(self, model_input):
        return order(tokens(model_input), single_module.LIMIT + deep.OFFSET)
""",
            "packages/acme/features/text.py": "def tokens(text):\n    return text.split()\n",
            "packages/acme/ranking.py": "def order(words, limit):\n    return words[:limit]\n",
            "packages/plain/__init__.py": "",
            "packages/plain/sub/__init__.py": "",
            "packages/plain/sub/deep.py": "OFFSET = 1\n",
            "packages/plain/words.json": "{}\n",
            "packages/single_module.py": "LIMIT = 10\n",
            "requirements.txt": """\
# Kept by hand.
--index-url https://packages.example.com/simple

pytesseract==0.3.13
pdf2image==1.17.0
opencv-python-headless==4.10.0.84 \\
    ; platform_machine == "x86_64"
rapidfuzz>=3,<4  # names
""",
        },
    ),
    Realistic(
        "pyproject_and_imported_model",
        """\
model_name: layout-parser
python_version: py312
requirements_file: pyproject.toml
bundled_packages_dir: packages
external_package_dirs: []
environment_variables: {LOG_LEVEL: info}
resources:
  cpu: 1500m
  memory: 3Gi
  use_gpu: false
""",
        {
            "pyproject.toml": """\
[project]
name = "layout-parser"
version = "0.1.0"
requires-python = ">=3.12"
dependencies = ["pdfplumber>=0.11", "shapely==2.0.6"]

[project.optional-dependencies]
dev = ["pytest"]
""",
            "model/model.py": "from scoring.served import ScoringModel as Model  # noqa: F401\n",
            "packages/scoring/__init__.py": "",
            "packages/scoring/served.py": """\
class ScoringModel:
    def predict(self, model_input):
        return sum(model_input)
""",
        },
    ),
    Realistic(
        "uv_lock_and_base_class",
        """\
model_name: locked
description: "The base class is next to the model."
python_version: py313
requirements_file: deploy/uv.lock
live_reload: true
apply_library_patches: false
resources:
  instance_type: L4:4x16
environment_variables:
  UV_LINK_MODE: copy
""",
        {
            "deploy/pyproject.toml": """\
[project]
name = "locked"
version = "0"
requires-python = ">=3.13"
dependencies = []
""",
            "deploy/uv.lock": """\
version = 1
requires-python = ">=3.13"

[[package]]
name = "locked"
version = "0"
source = { virtual = "." }
""",
            "model/__init__.py": "",
            "model/base.py": """\
class BaseModel:
    def infer(self, values):
        raise NotImplementedError

    def predict(self, model_input):
        return {"result": self.infer(model_input["values"])}
""",
            "model/model.py": """\
import statistics

from model.base import BaseModel


class Model(BaseModel):
    def infer(self, values):
        return statistics.median(values)
""",
        },
    ),
    Realistic(
        "private_registry_with_service_account",
        """\
model_name: fraud-graph
python_version: py310
base_image:
  image: europe-west4-docker.pkg.dev/acme-ml/images/fraud:7f3a
  docker_auth:
    auth_method: GCP_SERVICE_ACCOUNT_JSON
    registry: europe-west4-docker.pkg.dev
    secret_name: gcp-service-account
requirements:
  - file:///opt/wheels/fraud_rules-2.3-py3-none-any.whl
secrets:
  gcp-service-account: null
resources:
  cpu: "1"
  memory: 2Gi
""",
        ECHO,
    ),
    Realistic(
        "environment_variables_and_pydantic",
        """\
model_name: typed
python_version: py311
requirements: ["pydantic>=2.7"]
environment_variables:
  DATABASE_URL: postgresql://reader@db.acme.example:5432/features?sslmode=require
  PROXY: "http://10.0.0.4:3128"
  FEATURE_FLAGS: '{"beam": 4, "languages": ["en", "de"], "greedy": false}'
  CACHE_DIR: ${HOME}/.cache/models
  PRICE_FORMAT: "$%.2f"
  OMP_NUM_THREADS: 8
  TEMPERATURE: 0.7
  TOKENIZERS_PARALLELISM: false
  HF_HUB_ENABLE_HF_TRANSFER: "1"
  LD_LIBRARY_PATH: /usr/local/cuda/lib64:$LD_LIBRARY_PATH
  BUILD_DATE: 2025-03-01
  SEPARATOR: "\\t"
  EMPTY: ""
  lower_case: yes
""",
        {
            "model/model.py": """\
from __future__ import annotations

from typing import Literal, Optional

from pydantic import BaseModel, Field


class Payment(BaseModel):
    amount: float = Field(gt=0)
    currency: Literal["EUR", "USD"] = "EUR"
    note: Optional[str] = None


class Model:
    def predict(self, model_input: Payment) -> bool:
        return model_input.amount > 10_000
""",
        },
    ),
    Realistic(
        "secrets",
        """\
model_name: mailer
python_version: py312
requirements: ["httpx[http2]", boto3]
secrets:
  smtp-password: null
  openai_api_key:
  aws.access.key: ~
  pip_config: null
build:
  secret_to_path_mapping:
    pip_config: /etc/pip.conf
""",
        ECHO,
    ),
    Realistic(
        "external_data_and_registry_with_aws_keys",
        """\
model_name: upscale
requirements: [onnxruntime==1.20.1]
external_data:
  - url: https://models.acme.example/upscale/x4.onnx?version=3&sig=a%2Fb
    local_data_path: weights/x4.onnx
  - url: https://models.acme.example/upscale/labels.txt
    local_data_path: labels.txt
    backend: http_public
    name: labels
base_image:
  image: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/upscale:1.18.0
  python_executable_path: /usr/local/bin/python3
  docker_auth:
    auth_method: aws_iam
    registry: 123456789012.dkr.ecr.eu-central-1.amazonaws.com
    aws_access_key_id_secret_name: ecr_key_id
    aws_secret_access_key_secret_name: ecr_key
secrets:
  ecr_key_id: null
  ecr_key: null
""",
        {
            **ECHO,
            "data/README.txt": "The weights arrive at build time.\n",
        },
    ),
    Realistic(
        "weights_and_volumes",
        """\
model_name: small-talk
requirements: [torch, transformers, safetensors]
weights:
  - source: hf://acme/small-talk-8b@main
    mount_location: /models/base
    auth_secret_name: hf_access_token
    allow_patterns: ["*.safetensors", "*.json", tokenizer.*]
    ignore_patterns:
      - "original/*"
      - '*.md'
  - source: hf://acme/small-talk-lora
    mount_location: /models/lora
    auth: {auth_method: CUSTOM_SECRET, auth_secret_name: hf_access_token}
secrets: {hf_access_token: null}
resources: {accelerator: L40S, cpu: "8", memory: 32Gi}
bdn:
  mounts:
    - source: bdn:weights/guard-8b:prod
      path: /models/guard
      include: ["*.safetensors", config/]
      exclude: [consolidated/*]
    - source: bdn:adapters/support@b3:00112233445566778899aabb
      path: /models/adapter
  access:
    - namespace: adapters
      grants: [pull, inspect]
  hotload: {enabled: true}
""",
        ECHO,
    ),
    Realistic(
        "weights_from_buckets",
        """\
model_name: ranker-v7
python_version: py312
weights:
  - source: s3://acme-models/ranker/v7
    mount_location: /weights/ranker
    auth:
      auth_method: AWS_OIDC
      aws_oidc_role_arn: arn:aws:iam::123456789012:role/read-models
      aws_oidc_region: eu-west-1
  - source: gs://acme-shared/tokenizers/bpe-64k
    mount_location: /weights/tokenizer
    auth:
      auth_method: GCP_OIDC
      gcp_oidc_service_account: reader@acme-ml.iam.gserviceaccount.com
      gcp_oidc_workload_id_provider: projects/42/locations/global/workloadIdentityPools/p
  - {source: "azure://acmestore/blobs/stopwords", mount_location: /weights/stopwords}
  - {source: "r2://0a1b2c3d.acme/embeddings", mount_location: /weights/embeddings}
  - source: https://models.acme.example/calibration.npz
    mount_location: /weights/calibration
""",
        ECHO,
    ),
    Realistic(
        "vllm_server",
        """\
model_name: Assistant 32B
description: OpenAI-compatible; no model class.
model_metadata:
  tags: [openai-compatible]
  example_model_input:
    model: assistant
    messages: [{role: user, content: "What's a monad?"}]
    stream: true
base_image:
  image: vllm/vllm-openai:v0.8.4
docker_server:
  start_command: >-
    sh -c "HF_TOKEN=$(cat /secrets/hf_access_token)
    vllm serve /models/assistant --served-model-name assistant
    --tensor-parallel-size 4 --max-model-len 32768 --port 8000"
  server_port: 8000
  predict_endpoint: /v1/chat/completions
  readiness_endpoint: /health
  liveness_endpoint: /health
environment_variables:
  VLLM_LOGGING_LEVEL: WARNING
weights:
  - source: hf://acme/assistant-32b@4f0c2d9
    mount_location: /models/assistant
    auth_secret_name: hf_access_token
secrets:
  hf_access_token: null
resources:
  accelerator: H100:4
  use_gpu: true
runtime:
  predict_concurrency: 256
  health_checks: {startup_threshold_seconds: 2400}
""",
        {},
    ),
    Realistic(
        "sglang_server_from_training_checkpoints",
        """\
model_name: json-extractor
base_image: {image: "lmsysorg/sglang:v0.4.6.post1-cu124"}
training_checkpoints:
  download_folder: /tmp/training_checkpoints
  artifact_references:
    - training_job_id: lqz4pw4
      paths: [rank-0/checkpoint-200/, rank-0/checkpoint-400/*]
docker_server:
  start_command: |
    python3 -m sglang.launch_server
    --model-path /tmp/training_checkpoints/lqz4pw4/rank-0/checkpoint-400
    --host 0.0.0.0 --port 30000 --mem-fraction-static 0.85
  server_port: 30000
  predict_endpoint: /generate
  readiness_endpoint: /health_generate
  liveness_endpoint: /health
resources: {accelerator: H200, cpu: "12", memory: 100Gi}
""",
        {},
    ),
    Realistic(
        "image_as_it_is",
        """\
model_name: vendor-asr
base_image:
  image: vendor.example.com/asr/server:11.2-gpu
  docker_auth: {auth_method: REGISTRY_SECRET, registry: vendor.example.com, secret_name: vendor}
docker_server:
  no_build: true
  server_port: 9000
  predict_endpoint: /v2/transcribe
  readiness_endpoint: /ready
  liveness_endpoint: /live
  run_as_user_id: 1000
secrets: {vendor: null}
resources:
  accelerator: T4
""",
        {},
    ),
    Realistic(
        "build_commands_on_tagged_image",
        """\
model_name: flow
python_version: py310
base_image:
  image: nvcr.io/nvidia/pytorch:24.07-py3
  python_executable_path: /usr/bin/python3
system_packages: [git, cmake]
build_commands:
  - git clone --depth 1 https://github.com/acme/flow-nodes.git /app/nodes
  - cd /app/nodes && pip install -r requirements.txt
  - 'echo "export FLOW_HOME=/app/nodes" >> /etc/profile.d/flow.sh'
  - |
    mkdir -p /app/cache
    chmod 777 /app/cache
  - pip install flash-attn==2.7.0.post2 --no-build-isolation
resources: {accelerator: "A10G:2"}
""",
        ECHO,
    ),
    Realistic(
        "trt_llm_decoder",
        """\
model_name: llama-summaries
model_metadata:
  tags: [openai-compatible]
python_version: py310
secrets: {hf_access_token: null}
resources: {accelerator: H100, cpu: "1", memory: 24Gi}
trt_llm:
  build:
    base_model: decoder
    checkpoint_repository: {repo: acme/summaries-8b, revision: main, source: HF}
    max_seq_len: 16384
    max_batch_size: 64
    max_num_tokens: 8192
    quantization_type: fp8_kv
    quantization_config: {calib_size: 1536, calib_dataset: acme/calibration}
    plugin_configuration: {use_fp8_context_fmha: true, paged_kv_cache: true}
    tensor_parallel_count: 1
    num_builder_gpus: 2
  runtime:
    kv_cache_free_gpu_mem_fraction: 0.85
    enable_chunked_context: true
    batch_scheduler_policy: max_utilization
    served_model_name: summaries
""",
        {},
    ),
    Realistic(
        "trt_llm_lookahead",
        """\
model_name: code-edit
model_metadata: {tags: [openai-compatible, code]}
resources: {accelerator: "H100:2", cpu: "2", memory: 40Gi}
trt_llm:
  inference_stack: v1
  build:
    base_model: decoder
    checkpoint_repository: {source: S3, repo: s3://acme-models/code-edit, runtime_secret_name: aws}
    max_batch_size: 32
    tensor_parallel_count: 2
    quantization_type: fp8
    speculator:
      speculative_decoding_mode: LOOKAHEAD_DECODING
      lookahead_windows_size: 7
      lookahead_ngram_size: 5
      lookahead_verification_set_size: 3
    lora_adapters:
      sql: {source: HF, repo: acme/code-edit-sql-lora}
    lora_configuration:
      max_lora_rank: 32
      lora_target_modules: [attn_q, attn_k, attn_v]
secrets:
  aws: null
  hf_access_token: null
""",
        {},
    ),
    Realistic(
        "trt_llm_encoders",
        """\
model_name: embed
model_metadata:
  example_model_input: {input: [first text, second text], model: embed, encoding_format: float}
resources: {accelerator: L4, cpu: "2", memory: 12Gi}
trt_llm:
  build:
    base_model: encoder_bert
    checkpoint_repository:
      source: GCS
      repo: gs://acme-models/embed-base
      runtime_secret_name: gcs_reader
    max_num_tokens: 16384
  runtime:
    webserver_default_route: /v1/embeddings
secrets: {gcs_reader: null}
""",
        {},
    ),
    Realistic(
        "trt_llm_second_stack",
        """\
model_name: moe-chat
model_metadata: {tags: [openai-compatible]}
resources:
  accelerator: B200:4
  cpu: "8"
  memory: 200Gi
trt_llm:
  inference_stack: v2
  build:
    checkpoint_repository:
      source: BASETEN_TRAINING
      repo: q1w2e3r
      revision: checkpoint-400
    quantization_type: fp4
  runtime:
    max_seq_len: 65536
    max_batch_size: 128
    max_num_tokens: 16384
    tensor_parallel_size: 4
    served_model_name: moe-chat
""",
        {},
    ),
    Realistic(
        "trt_llm_with_a_model",
        """\
model_name: guarded-chat
model_metadata: {tags: [openai-compatible]}
requirements: [better-profanity==0.7.0]
resources: {accelerator: A100, cpu: "2", memory: 20Gi}
trt_llm:
  build:
    base_model: decoder
    checkpoint_repository: {source: HF, repo: acme/guarded-chat-7b}
    max_seq_len: 4096
    max_batch_size: 16
secrets: {hf_access_token: null}
""",
        {
            "model/__init__.py": "",
            "model/model.py": """\
import starlette.requests
from better_profanity import profanity


class Model:
    def __init__(self, trt_llm, **kwargs):
        self._engine = trt_llm["engine"]

    async def predict(self, model_input, request: starlette.requests.Request):
        text = await self._engine.predict(model_input, request)
        return profanity.censor(text) if isinstance(text, str) else text
""",
        },
    ),
    Realistic(
        "bis_llm",
        """\
model_name: hosted-llm
bis_llm:
  version: 0.4.2
  config:
    model: acme/hosted-70b
    engine: {max_batch_size: 128, kv_cache: {dtype: fp8, fraction: 0.9}}
    routes: [/v1/chat/completions, /v1/completions]
  additional_autoscaling_config:
    metrics:
      - {name: in_flight_tokens, target: 40000.0}
weights:
  - {source: "hf://acme/hosted-70b@9d8c7b6a", mount_location: /models/hosted}
resources: {accelerator: "H200:4", cpu: "16", memory: 300Gi}
""",
        {},
    ),
    Realistic(
        "websocket_on_image_by_digest",
        """\
model_name: live-captions
python_version: py311
base_image:
  # Built by the platform team every Monday; the tag is only for people.
  image: >-
    ghcr.io/acme/asr:2025.1@sha256:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0
  python_executable_path: /opt/conda/envs/asr/bin/python
requirements: [webrtcvad==2.0.10, "numpy~=2.1"]
runtime:
  transport:
    kind: websocket
    ping_interval_seconds: 20
    ping_timeout_seconds: 7.5
resources: {accelerator: L4, cpu: "4", memory: 16Gi}
""",
        {
            "model/model.py": """\
import fastapi
import webrtcvad


class Model:
    def load(self):
        self._detector = webrtcvad.Vad(2)

    async def websocket(self, websocket: fastapi.WebSocket):
        try:
            while True:
                frame = await websocket.receive_bytes()
                await websocket.send_json({"speech": self._detector.is_speech(frame, 16000)})
        except fastapi.WebSocketDisconnect:
            pass
""",
        },
    ),
    Realistic(
        "grpc",
        """\
model_name: features-over-grpc
base_image: {image: "ghcr.io/acme/features-grpc:3.0.0"}
docker_server:
  start_command: /usr/local/bin/features --listen=0.0.0.0:50051
  server_port: 50051
  predict_endpoint: /
  readiness_endpoint: /
  liveness_endpoint: /
runtime:
  transport: {kind: grpc}
  predict_concurrency: 100
resources: {cpu: "8", memory: 8Gi}
""",
        {},
    ),
    Realistic(
        "chat_completions",
        """\
model_name: openai-shaped
python_version: py314
model_metadata:
  tags:
    - openai-compatible
    - slice
resources:
  accelerator: H100_40GB
  cpu: "5.5"
  memory: 48G
  use_gpu: true
runtime: {predict_concurrency: 64}
""",
        {
            "model/model.py": """\
from typing import Any, AsyncIterator, Dict


class Model:
    async def chat_completions(self, body: Dict[str, Any]) -> Dict[str, Any]:
        message = {"role": "assistant", "content": body["messages"][-1]["content"]}
        return {"choices": [{"message": message}]}

    async def predict(self, body: Dict[str, Any]) -> AsyncIterator[str]:
        for word in body["messages"][-1]["content"].split():
            yield f"data: {word}"
""",
        },
    ),
    Realistic(
        "health_and_environment",
        """\
model_name: careful
python_version: py313
live_reload: false
requirements:
  - starlette
runtime:
  health_checks:
    restart_check_delay_seconds: 120
    restart_threshold_seconds: 600
    stop_traffic_threshold_seconds: 60
    startup_threshold_seconds: 1800
""",
        {
            "model/model.py": """\
import starlette.requests


class Model:
    def __init__(self, config, data_dir, secrets, lazy_data_resolver, environment=None):
        self._config = config
        self._resolver = lazy_data_resolver
        self._environment = environment
        self._loaded = False

    def setup_environment(self, environment):
        self._environment = environment

    def load(self):
        self._resolver.block_until_download_complete()
        self._loaded = True

    def is_healthy(self) -> bool:
        return self._loaded

    async def predict(self, request: starlette.requests.Request):
        return {"bytes": len(await request.body()), "name": self._config["model_name"]}
""",
        },
    ),
    Realistic(
        "runtime_settings_and_registry_by_oidc",
        """\
model_name: locked-down
base_image:
  image: 123456789012.dkr.ecr.us-west-2.amazonaws.com/demand:2.4-cpu
  docker_auth:
    auth_method: AWS_OIDC
    registry: 123456789012.dkr.ecr.us-west-2.amazonaws.com
    aws_oidc_role_arn: arn:aws:iam::123456789012:role/pull-images
    aws_oidc_region: us-west-2
runtime:
  predict_concurrency: 16
  streaming_read_timeout: 900
  enable_tracing_data: true
  enable_debug_logs: true
  transport:
    kind: http
  oidc:
    enabled: true
  remote_ssh:
    enabled: true
  egress_restrictions:
    ip_allow_list: [10.20.0.0/16, 192.0.2.7]
    fqdn_allow_list: ["*.acme.example", huggingface.co]
  truss_server_version_override: 0.11.6
""",
        ECHO,
    ),
    Realistic(
        "chainlet",
        """\
apply_library_patches: true
external_package_dirs: []
live_reload: false
model_class_filename: model.py
model_class_name: TrussChainletModel
model_metadata:
  chains_metadata:
    chainlet_to_service:
      Splitter:
        display_name: Splitter
        name: Splitter-1a2b3c
        options: {concurrency_limit: 300, retries: 2, timeout_sec: 600.0, use_binary: false}
model_name: Narrator-9f8e7d
python_version: py311
requirements_file: chains_requirements.txt
resources: {accelerator: null, cpu: '2', memory: 4Gi, use_gpu: false}
runtime: {predict_concurrency: 4, streaming_read_timeout: 60}
secrets: {baseten_chain_api_key: null}
use_local_src: false
""",
        {
            "chains_requirements.txt": "truss==0.18.35\nhttpx\n",
            "model/model.py": """\
import narrator
import pydantic
import starlette.requests
from truss.templates.shared import lazy_data_resolver, secrets_resolver


class NarratorInput(pydantic.BaseModel):
    text: str


class TrussChainletModel:
    def __init__(
        self,
        config: dict,
        secrets: secrets_resolver.Secrets,
        lazy_data_resolver: lazy_data_resolver.LazyDataResolverV2,
    ) -> None:
        self._metadata = config["model_metadata"]["chains_metadata"]
        lazy_data_resolver.block_until_download_complete()

    def load(self) -> None:
        self._chainlet = narrator.Narrator(self._metadata)

    async def predict(self, inputs: NarratorInput, request: starlette.requests.Request) -> str:
        return await self._chainlet.run_remote(inputs.text)
""",
            "packages/narrator.py": """\
class Narrator:
    def __init__(self, metadata):
        self._metadata = metadata

    async def run_remote(self, text):
        return text.capitalize()
""",
        },
    ),
    Realistic(
        "every_default_spelled_out",
        """\
apply_library_patches: true
base_image: null
bdn:
  access: []
  hotload:
    enabled: false
  mounts: []
bis_llm: null
build:
  arguments: {}
  model_server: TrussServer
  no_cache: false
  secret_to_path_mapping: {}
build_commands: []
bundled_packages_dir: packages
cache_internal: []
data_dir: data
description: null
docker_server: null
environment_variables: {}
examples_filename: examples.yaml
external_data: null
external_package_dirs: []
input_type: Any
live_reload: false
model_cache: []
model_class_filename: model.py
model_class_name: Model
model_framework: custom
model_metadata: {}
model_module_dir: model
model_name: dumped
model_type: Model
python_version: py313
requirements: []
requirements_file: null
resources:
  accelerator: null
  cpu: '1'
  memory: 2Gi
  use_gpu: false
runtime:
  egress_restrictions: null
  enable_debug_logs: false
  enable_tracing_data: false
  health_checks:
    restart_check_delay_seconds: null
    restart_threshold_seconds: null
    startup_threshold_seconds: null
    stop_traffic_threshold_seconds: null
  is_websocket_endpoint: false
  oidc:
    enabled: null
  predict_concurrency: 1
  remote_ssh:
    enabled: false
  streaming_read_timeout: 60
  transport:
    kind: http
  truss_server_version_override: null
secrets: {}
spec_version: '2.0'
system_packages: []
training_checkpoints: null
trt_llm: null
use_local_src: false
weights: []
""",
        ECHO,
    ),
    Realistic(
        "anchors_and_renamed_files",
        """\
%YAML 1.1
---
model_name: &name anchored   # used again below
environment_variables:
  SERVICE_NAME: *name
  OTEL_SERVICE_NAME: *name
weights:
  - &private
    source: hf://acme/anchored-base@v2
    mount_location: /models/base
    auth_secret_name: hf_access_token
  - <<: *private
    source: hf://acme/anchored-draft@v2
    mount_location: /models/draft
model_module_dir: ./model
model_class_filename: entrypoint.py
model_class_name: TagPredictor
data_dir: assets
bundled_packages_dir: vendor
examples_filename: samples.yaml
model_framework: custom
model_type: Model
input_type: Any
model_metadata:
  limits: &limits {tokens: 4096, images: 4}
  tiers:
    free: {<<: *limits, images: 1}
    paid: *limits
secrets: {hf_access_token: null}
...
""",
        {
            "assets/tags.txt": "red\ngreen\n",
            "samples.yaml": "- name: one\n  input: {tag: red}\n",
            "model/__init__.py": "",
            "model/entrypoint.py": """\
from tagging import normalize


class TagPredictor:
    def __init__(self, **kwargs):
        self._path = kwargs["data_dir"] / "tags.txt"

    def load(self):
        self._tags = {normalize(tag) for tag in self._path.read_text().split()}

    def predict(self, model_input):
        return normalize(model_input["tag"]) in self._tags
""",
            "vendor/tagging/__init__.py": "def normalize(tag):\n    return tag.casefold()\n",
        },
    ),
    Realistic(
        "text_in_many_languages",
        """\
# Übersetzer für Kundenanfragen — 客服翻译
model_name: "Übersetzer · 翻译 🌍"
description: |-
  Translates between these:

    - Deutsch
    - 中文

  Not a list: [of, things]; not a "key: value" either.
model_metadata:
  prompt: >
    Translate the text below.
    Keep the names.

    # not a comment
  example_model_input: {"text": "¿Dónde está la estación?", 'to': français}
  "quoted key": 'it''s fine'
environment_variables: {GREETING: "caf\\u00e9", ZONE: Europe/Zürich}
""",
        {
            "data/glossar/straße.txt": "Straße = street\n",
            "model/model.py": """\
GRÜSSE = {"de": "Grüß Gott", "zh": "你好"}


class Model:
    def predict(self, model_input):
        return GRÜSSE.get(model_input["to"], "hello")
""",
        },
    ),
    Realistic(
        "metadata_and_examples",
        """\
# yaml-language-server: $schema=https://schemas.acme.example/truss/config.json
model_name: product-photos
model_metadata:
  repo_id: acme/product-photos
  avatar_url: https://cdn.acme.example/photos.png
  tags: [image-generation, {team: catalog, tier: 1}, [a, [b]]]
  owner: {team: catalog, on_call: "#catalog-ml", pager: null}
  requirements: [not, the, requirements]
  thresholds: {low: .5, high: 1e-3, never: null, code: 0x1F}
  example_model_input:
    prompt: a mug on a wooden table
    size: [1024, 768]
    seed: 42
""",
        {
            **ECHO,
            "examples.yaml": """\
- name: mug
  input: {prompt: a mug, seed: 1}
- name: nothing
  input: null
""",
        },
    ),
    Realistic(
        "as_json",
        """\
{
  "model_name": "from-a-generator",
  "python_version": "py312",
  "requirements": ["lightgbm==4.5.0", "polars"],
  "environment_variables": {"SHARDS": "4"},
  "resources": {"accelerator": null, "cpu": "250m", "memory": "512Mi"},
  "build_commands": [],
  "description": "One line, \\"quoted\\".",
  "secrets": {"warehouse_token": null}
}
""",
        ECHO,
    ),
)

# Valid too, but each of these has one thing that Truss calls deprecated.
DEPRECATED: Tuple[Realistic, ...] = (
    Realistic(
        "model_cache_in_the_image",
        """\
model_name: cached-in-image
python_version: py311
requirements: [transformers==4.44.0, torch]
model_cache:
  - repo_id: acme/tiny-bert
    revision: 3f2a1b0c
    allow_patterns: ["*.json", "*.safetensors", vocab.txt]
    use_volume: false
resources: {accelerator: T4, cpu: "2", memory: 8Gi}
""",
        ECHO,
    ),
    Realistic(
        "model_cache_in_a_volume",
        """\
model_name: cached-in-volume
model_cache:
  - repo_id: acme/tiny-llm
    revision: 3f2a1b0c4d5e6f708192a3b4c5d6e7f8091a2b3c
    use_volume: true
    volume_folder: tiny-llm
    ignore_patterns: ["*.bin", original/*]
    runtime_secret_name: hf_access_token
  - repo_id: gs://acme-models/tokenizer
    use_volume: true
    volume_folder: tokenizer
    kind: gcs
    runtime_secret_name: gcs_reader
secrets:
  hf_access_token: null
  gcs_reader: null
""",
        {
            "model/model.py": """\
from pathlib import Path


class Model:
    def __init__(self, **kwargs):
        self._resolver = kwargs["lazy_data_resolver"]

    def load(self):
        self._resolver.block_until_download_complete()
        self._files = sorted(Path("/app/model_cache/tiny-llm").iterdir())

    def predict(self, model_input):
        return [path.name for path in self._files]
""",
        },
    ),
    Realistic(
        "python_39",
        """\
model_name: veteran
python_version: py39
requirements: [scikit-learn==1.0.2, "numpy<1.24,>=1.23.5"]
resources: {cpu: "1", memory: 2Gi}
""",
        ECHO,
    ),
    Realistic(
        "websocket_flag",
        """\
model_name: old-captions
runtime:
  is_websocket_endpoint: true
""",
        {
            "model/model.py": """\
class Model:
    async def websocket(self, websocket):
        await websocket.send_text(await websocket.receive_text())
""",
        },
    ),
)
