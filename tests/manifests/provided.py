"""What an overlay for a cluster counts on and does not make: the platform's parts, and what installing makes."""

from __future__ import annotations

from dataclasses import dataclass, field

Labels = dict[str, str]


@dataclass(frozen=True)
class Part:
    """Pods of the platform, and the Service in front of them if anything calls it."""

    namespace: str
    labels: Labels = field(hash=False)
    ports: tuple[int, ...] = ()
    """Of the pods."""
    service: str = ""
    service_port: int = 0
    address: str = ""
    """Of what is no pod of this cluster."""

    @property
    def host(self) -> str:
        """Its name in an address."""
        return f"{self.service}.{self.namespace}.svc.cluster.local" if self.namespace else self.service


PARTS = {
    "dns": Part("kube-system", {"k8s-app": "kube-dns"}, (53,)),
    "gateway": Part("kourier-system", {"app": "3scale-kourier-gateway"}, (8080, 8081), "kourier", 80),
    "activator": Part("knative-serving", {"app": "activator"}),
    "autoscaler": Part("knative-serving", {"app": "autoscaler"}),
    "broker": Part("knative-eventing", {"app": "kafka-broker-receiver"}, (8080,), "kafka-broker-ingress", 80),
    "memory-broker": Part(
        *("knative-eventing", {"eventing.knative.dev/brokerRole": "ingress"}, (8080,), "broker-ingress", 80)
    ),
    "envoy": Part("envoy-gateway-system", {"gateway.envoyproxy.io/owning-gateway-name": "kserve-ingress-gateway"}),
    "prometheus": Part("monitoring", {"app.kubernetes.io/name": "prometheus"}),
    "s3": Part("object-store", {"app.kubernetes.io/name": "s3"}, (9000,), "s3", 9000),
    "mlflow": Part("mlflow", {"app.kubernetes.io/name": "mlflow"}, (5000,), "mlflow", 5000),
    "redis": Part("redis", {"app.kubernetes.io/name": "redis"}, (6379,), "redis", 6379),
    "pipelines": Part("kubeflow", {"app": "ml-pipeline"}, (8887, 8888), "ml-pipeline", 8888),
    "metadata": Part("kubeflow", {"component": "metadata-grpc-server"}, (8080,)),
    "artifacts": Part("kubeflow", {"app": "seaweedfs"}, (8333,)),
}
STAGING = {
    "staging-s3": Part("", {}, (443,), "s3.staging.example.com", 443, "192.0.2.10"),
    "staging-mlflow": Part("", {}, (443,), "mlflow.staging.example.com", 443, "192.0.2.30"),
    "staging-pipelines": Part("", {}, (443,), "pipelines.staging.example.com", 443, "192.0.2.20"),
}
"""As production's overlay names them: outside of its cluster."""
STEP = Part("kubeflow", {"pipelines.kubeflow.org/v2_component": "true"})
"""Pods of runs, as Kubeflow Pipelines labels them."""

OBJECTS = {
    ("Namespace", "", "kubeflow"),
    ("Namespace", "", "kserve"),
    ("ServiceAccount", "kubeflow", "pipeline-runner"),
    ("Secret", "driftloop", "driftloop-s3"),
    ("Secret", "kubeflow", "driftloop-s3"),
}
"""(kind, namespace, name) of what the platform, or whoever installs it, makes. Keys are in no file."""
SECRET_KEYS = {"driftloop-s3": {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}}

QUEUE_PROXY = {"http": 8012, "http2": 8013, "autoscaler": 9090, "metrics": 9091}
"""Ports that Knative's sidecar opens in every pod of a service."""
SERVED = 8080
"""Port of every container of ours."""
