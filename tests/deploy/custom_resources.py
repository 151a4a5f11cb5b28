"""Schemas of the resources that operators bring, as far as we use them; nothing else passes.

Kept by hand, after the references of KEDA 2.17 and of the Prometheus operator.
"""

from typing import Any

Schema = dict[str, Any]


def _object(required: str = "", **properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def _list(of: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "items": of}


TEXT: Schema = {"type": "string", "minLength": 1}
COUNT: Schema = {"type": "integer", "minimum": 0}
LABELS: Schema = {"type": "object", "additionalProperties": TEXT}
SECONDS: Schema = {"type": "string", "pattern": "^[1-9][0-9]*s$"}
METADATA = _object("name", name=TEXT, namespace=TEXT, labels=LABELS, annotations=LABELS)
SELECTOR = _object(matchLabels=LABELS, matchExpressions={"type": "array"})

_RULES = _object(
    "policies",
    stabilizationWindowSeconds={"type": "integer", "minimum": 0, "maximum": 3600},
    selectPolicy={"enum": ["Max", "Min", "Disabled"]},
    policies=_list(
        _object(
            "type value periodSeconds",
            type={"enum": ["Pods", "Percent"]},
            value={"type": "integer", "minimum": 1},
            periodSeconds={"type": "integer", "minimum": 1, "maximum": 1800},
        )
    ),
)

_PROMETHEUS = _object(
    "serverAddress query threshold",
    serverAddress={"type": "string", "pattern": "^https?://"},
    query=TEXT,
    threshold={"type": "string", "pattern": "^[0-9]+([.][0-9]+)?$"},
    activationThreshold={"type": "string", "pattern": "^[0-9]+([.][0-9]+)?$"},
    ignoreNullValues={"enum": ["true", "false"]},
    namespace=TEXT,
    unsafeSsl={"enum": ["true", "false"]},
)

SCALED_OBJECT = _object(
    "scaleTargetRef triggers",
    scaleTargetRef=_object("name", apiVersion=TEXT, kind=TEXT, name=TEXT),
    pollingInterval={"type": "integer", "minimum": 1},
    cooldownPeriod=COUNT,
    minReplicaCount=COUNT,
    maxReplicaCount={"type": "integer", "minimum": 1},
    fallback=_object(
        "failureThreshold replicas",
        failureThreshold={"type": "integer", "minimum": 1},
        replicas=COUNT,
        behavior={
            "enum": [
                "static",
                "currentReplicas",
                "currentReplicasIfHigher",
                "currentReplicasIfLower",
            ]
        },
    ),
    advanced=_object(
        restoreToOriginalReplicaCount={"type": "boolean"},
        horizontalPodAutoscalerConfig=_object(
            name=TEXT, behavior=_object(scaleUp=_RULES, scaleDown=_RULES)
        ),
    ),
    # A fallback works with AverageValue only.
    triggers=_list(
        _object(
            "type metadata metricType",
            type={"const": "prometheus"},
            name=TEXT,
            metricType={"const": "AverageValue"},
            metadata=_PROMETHEUS,
        )
    ),
)

POD_MONITOR = _object(
    "selector podMetricsEndpoints",
    jobLabel=TEXT,
    selector=SELECTOR,
    podTargetLabels=_list(TEXT),
    podMetricsEndpoints=_list(
        _object(
            "port",
            port=TEXT,
            path={"type": "string", "pattern": "^/"},
            interval=SECONDS,
            scrapeTimeout=SECONDS,
            relabelings=_list(
                _object("targetLabel", targetLabel=TEXT, replacement=TEXT, sourceLabels=_list(TEXT))
            ),
        )
    ),
)


def _resource(api_version: str, kind: str, spec: Schema) -> Schema:
    return _object(
        "apiVersion kind metadata spec",
        apiVersion={"const": api_version},
        kind={"const": kind},
        metadata=METADATA,
        spec=spec,
    )


CUSTOM_RESOURCES = {
    "ScaledObject": _resource("keda.sh/v1alpha1", "ScaledObject", SCALED_OBJECT),
    "PodMonitor": _resource("monitoring.coreos.com/v1", "PodMonitor", POD_MONITOR),
}
