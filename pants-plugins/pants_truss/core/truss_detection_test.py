from __future__ import annotations

from typing import Optional

import pytest

from pants_truss.core import truss_detection

MODEL = b"class Model:\n    def predict(self, x):\n        return x\n"


def is_truss(content: bytes, model_source: Optional[bytes]) -> bool:
    config = truss_detection.detect_config(content)
    return config is not None and truss_detection.is_truss(config, model_source)


# The beginnings of well-known tools' `config.yaml`, in shape. Each lies beside a model/model.py
# with a class `Model`, as much like a truss as can be.
OTHERS = {
    "hydra": "defaults:\n  - model: resnet\n  - _self_\ndata_dir: data\n",
    "hydra_object": "_target_: app.Model\ndescription: x\n",
    "training": "model_name: bert\nlr: 0.001\nepochs: 3\nbatch_size: 32\n",
    "lightning": "seed_everything: 1\ntrainer: {max_epochs: 3}\nmodel: {class_path: m.Model}\n",
    "kubernetes": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n",
    "kubeconfig": "apiVersion: v1\nkind: Config\nclusters: []\nusers: []\n",
    "circleci": "version: 2.1\njobs: {build: {docker: []}}\nworkflows: {}\n",
    "prometheus": "global: {scrape_interval: 15s}\nscrape_configs: []\n",
    "otel_collector": "receivers: {otlp: }\nexporters: {logging: }\nservice: {pipelines: {}}\n",
    "envoy": "static_resources: {listeners: []}\nadmin: {address: {}}\n",
    "docker_registry": "version: 0.1\nstorage: {filesystem: {}}\nhttp: {addr: ':5000'}\n",
    "loki": "auth_enabled: false\nserver: {http_listen_port: 3100}\nschema_config: {}\n",
    "litellm": "model_list:\n  - model_name: gpt\n    litellm_params: {model: x}\n",
    "ray": "cluster_name: x\nprovider: {type: aws}\nmax_workers: 2\n",
    "axolotl": "base_model: a/b\nload_in_8bit: true\ndatasets: []\nsequence_len: 2048\n",
    "detectron": "MODEL: {WEIGHTS: x}\nSOLVER: {BASE_LR: 0.1}\n",
    "rasa": "recipe: default.v1\nlanguage: en\npipeline: []\npolicies: []\n",
    "github_issues": "blank_issues_enabled: false\ncontact_links: []\n",
    "gatsby_theme": "theme: minima\ndescription: my site\nplugins: []\n",
    "snakemake": "samples: s.tsv\nref: {build: GRCh38}\nparams: {}\nresources: {mem: 4}\n",
    "dvc": "prepare: {split: 0.2}\ntrain: {lr: 0.1}\nevaluate: {}\n",
    "wandb": "wandb_version: 1\nlr: {value: 0.1}\n",
    "home_assistant": "homeassistant: {name: Home}\nhttp: {}\nautomation: []\n",
    "vllm": "model: a/b\nport: 8000\nuvicorn-log-level: info\n",
    "dbt_like": "name: x\nversion: 1.0\nprofile: y\nmodels: {}\n",
    "compose": "services: {web: {image: x}}\n",
    "huggingface_like": "architectures: [X]\nhidden_size: 768\nmodel_type: bert\n",
    "a_list": "- a\n- b\n",
    "numbers": "1: a\nmodel_name: x\n",
    "no_yaml": "{{ template }}\n",
}


@pytest.mark.parametrize("name", OTHERS)
def test_configs_of_other_tools(name: str) -> None:
    assert not is_truss(OTHERS[name].encode(), MODEL)


@pytest.mark.parametrize(
    "config",
    [
        "",
        "model_name: x\n",
        "# comment only\n",
        "requirements: [torch]\nresources: {cpu: '1'}\n",
        "model_name: x\nmodel_nmae: misspelt\n",
        "external_package_dirs: [../x]\n",
        "model_name: x\nhf_cache: []\ntrain: {}\n",
    ],
)
def test_configs_of_truss(config: str) -> None:
    assert is_truss(config.encode(), MODEL)
    # Without a model they may be anything.
    assert not is_truss(config.encode(), None)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("class Model(Base):\n", True),
        ("from impl import Impl as Model\n", True),
        ("Model = make()\n", True),
        ("if True:\n    class Model: pass\n", True),
        ("class Net(nn.Module):\n    pass\n", False),
        ("# class Model is elsewhere\n", False),
        ("class Models:\n", False),
        ("class Net:\n    def predict(self, x): ...\n", True),
        ("class Net:\n    async def predict(self, x): ...\n", True),
        ("def predict(x): ...\n", False),
    ],
)
def test_the_model_file_names_the_class(source: str, expected: bool) -> None:
    assert is_truss(b"model_name: x\n", source.encode()) is expected


@pytest.mark.parametrize("key", ["docker_server", "trt_llm", "bis_llm"])
def test_servers_that_need_no_model(key: str) -> None:
    assert is_truss(f"model_name: x\n{key}: {{a: b}}\n".encode(), None)
    assert not is_truss(f"{key}:\n".encode(), None)


MISSPELT = b"class Sentiment:\n    def load(self):\n        pass\n"


@pytest.mark.parametrize(
    "config",
    [
        "model_name: x\nrequirements: numpy\n",
        "model_name: x\nmodel_class_name: 3\n",
        "model_name: x\nresources: {cpu: [\n",
        "model_name: x\nmodel_name: y\n",
        "model_name: {{ name }}\npython_version: py311\n",
        "\ufeffmodel_name: [\n",
        "model_name: x\nexternal_package_dirs: ../kit\n",
        "python_version: py31\nmodel_module_dir: ../out\n",
    ],
)
def test_an_invalid_config_is_still_one_of_truss(config: str) -> None:
    assert is_truss(config.encode(), MODEL)


@pytest.mark.parametrize("config", ["lr: [\n", "- [\n", "{{ template }}\n", "requirements: [\n"])
def test_invalid_yaml_without_a_key_of_truss_is_not_a_truss(config: str) -> None:
    assert not is_truss(config.encode(), MODEL)


def test_the_model_file_of_invalid_yaml_is_the_one_that_it_names() -> None:
    content = b"model_module_dir: 'code'  # here\nmodel_class_filename: m.py\nresources: [\n"
    found = truss_detection.detect_config(content)
    assert found and found.model_file == "code/m.py"


def test_a_class_of_another_name_needs_two_keys_of_truss() -> None:
    assert is_truss(b"model_name: x\npython_version: py311\n", MISSPELT)
    assert not is_truss(b"model_name: x\nrequirements: [torch]\n", MISSPELT)
    assert not is_truss(b"model_name: x\npython_version: py311\n", b"x = 1\n")


@pytest.mark.parametrize(
    "source, names_it",
    [
        (b"from .base import (\n    Other,\n    Model,\n)\n", True),
        (b"from .base import (  # noqa\n    X as Model\n)\n", True),
        (b"from .base import *\n", True),
        (b"from base.models import*\n", True),
        (b"from .base import (\n    Models,\n)\n", False),
        (b"from .base import (\n    Other,\n)\nModels = 1\n", False),
    ],
)
def test_a_class_that_is_imported(source: bytes, names_it: bool) -> None:
    config = b"model_name: x\npython_version: py311\n"
    assert is_truss(config, source) == names_it


def test_a_network_of_a_training_project_is_not_a_model() -> None:
    project = b"model_name: bert\ndata_dir: ./data\nbatch_size: 4\n"
    network = b"class Model(nn.Module):\n    def forward(self, x):\n        return x\n"
    assert not is_truss(project, network)
    assert is_truss(project, network + b"    def predict(self, x):\n        return x\n")
    # Without keys of another tool, it is a truss whose model cannot be served.
    assert is_truss(project.replace(b"batch_size: 4\n", b""), network)


def test_three_keys_of_truss_need_no_model_file() -> None:
    config = b"model_name: x\npython_version: py311\nmodel_class_filename: gone.py\n"
    assert is_truss(config, None)


def test_values_of_a_wrong_type_count_as_missing() -> None:
    content = b"model_name: x\nmodel_class_filename: [a]\nexternal_package_dirs: [../a, 1]\n"
    found = truss_detection.detect_config(content)
    assert found and found.model_file == "model/model.py"
    assert found.external_package_dirs == ("../a",)
