"""Asks a remote about its models, with the credentials and the API client of Truss."""

from __future__ import annotations

import contextlib
import importlib
import json
from typing import Any, Dict, List, NamedTuple, Optional

# States of a deployment that does not serve and never will: those of the API, and those that Truss
# shows in their place.
FAILED = {
    "BUILDING_MODEL_FAILED",
    "BUILDING_MODEL_STOPPED",
    "BUILD_FAILED",
    "BUILD_STOPPED",
    "DEPLOY_FAILED",
    "FAILED",
    "MODEL_DEPLOY_FAILED",
    "MODEL_DNE_ERROR",
}
# States of a deployment that is not up yet.
STARTING = {
    "BUILDING",
    "BUILDING_MODEL",
    "CREATED",
    "DEPLOYING",
    "DEPLOYING_MODEL",
    "LOADING_MODEL",
    "MIGRATING",
    "MODEL_LOADING",
    "UNKNOWN",
    "UPDATING",
}
# States of a deployment that may have been up, and is not now. Each run reports that.
DOWN = {
    "DEACTIVATED_MODEL",
    "DEACTIVATING",
    "DEACTIVATING_MODEL",
    "INACTIVE",
    "MODEL_UNHEALTHY",
    "UNHEALTHY",
}


# The state of a deployment that the remote no longer has.
GONE = "GONE"


class Deployment(NamedTuple):
    """`status` is a status of the API, such as `MODEL_READY`."""

    id: str
    status: str

    @property
    def has_failed(self) -> bool:
        return self.status in FAILED

    @property
    def is_starting(self) -> bool:
        return self.status in STARTING

    @property
    def is_down(self) -> bool:
        return self.status in DOWN

    @property
    def is_up(self) -> bool:
        """True if the deployment is up, or was up and has been scaled down."""
        return not (self.has_failed or self.is_starting or self.is_down or self.status == GONE)


class Model(NamedTuple):
    """`id` is None for a model that does not exist yet. `hostname` is a URL."""

    id: Optional[str]
    deployments: List[Deployment]
    hostname: Optional[str] = None


class Remote:
    """Raises the errors of Truss's API client."""

    def __init__(self, name: Optional[str]) -> None:
        self._factory: Any = importlib.import_module("truss.remote.remote_factory").RemoteFactory
        self.name = name or self._factory.get_available_config_names()[0]
        self._remote: Any = self._factory.create(remote=self.name)

    @property
    def secrets(self) -> List[str]:
        """Values that must not be printed. Truss may have them from a keyring."""
        with contextlib.suppress(Exception):
            header = str(self._remote.fetch_auth_header()["Authorization"])
            return [header, header.partition(" ")[2]]
        return []

    def find_model(self, name: str, team: Optional[str]) -> Optional[Model]:
        """Returns the model. None if several teams have a model of that name and no team is named,
        neither by the target nor by the user's configuration."""
        get: Any = getattr(self._factory, "get_remote_team", None)
        team = team or (get(self.name) if get else None)
        found = [
            model["id"]
            for model in self._remote.api.models()["models"]
            if model.get("name") == name
            and (team is None or (model.get("team") or {}).get("name") == team)
        ]
        if len(found) > 1:
            return None
        return self.get_model(found[0]) if found else Model(None, [])

    def find_deployment(self, model_id: str, deployment_id: str) -> Deployment:
        found = (each for each in self.get_model(model_id).deployments if each.id == deployment_id)
        return next(found, Deployment(deployment_id, GONE))

    def urls(self, model: Model, deployment: Deployment) -> Dict[str, str]:
        """Returns the same URLs as `truss push`."""
        found = {"logs_url": f"{self._remote.api.app_url}/models/{model.id}/logs/{deployment.id}"}
        if model.hostname:
            found["predict_url"] = f"{model.hostname}/deployment/{deployment.id}/predict"
        return found

    def get_model(self, model_id: str) -> Model:
        try:
            answer = self._remote.api._post_graphql_query(_MODEL % json.dumps(model_id))
        except Exception as e:
            if getattr(e, "graphql_error_code", None) == "RESOURCE_NOT_FOUND":
                return Model(None, [])
            raise
        model = (answer.get("data") or {}).get("model") or {"id": None, "versions": []}
        deployments = [_deployment(version) for version in model["versions"]]
        return Model(model["id"], deployments, model.get("hostname"))


_MODEL = """\
{ model(id: %s) { id hostname versions { id current_model_deployment_status { status } } } }
"""


def _deployment(version: Dict[str, Any]) -> Deployment:
    status = (version.get("current_model_deployment_status") or {}).get("status")
    return Deployment(version["id"], status or "UNKNOWN")
