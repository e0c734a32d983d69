"""From nothing to a loop that waits for work. Each step looks at what is there, and may be done again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from contracts.errors import DriftloopError
from contracts.settings import Settings
from pocket.checkout import ROOT
from pocket.doctor import Check
from pocket.progress import Progress, Step
from scripts import images_command
from scripts.cluster import access, dump, kind
from scripts.platform import install, kubectl, plan
from scripts.platform.rendering import Rendering

CHOICES = {"images": "loaded", "predictors": "public"}
"""Of the platform: images come by `kind load`, and predictors are asked through the node's port."""
OVERLAY = ROOT / "manifests" / "overlays" / "kind"
MANAGER = "kubectl"
"""As if somebody had typed `kubectl apply --server-side -k`, so that he may."""
WAITED_FOR = ("brokers.eventing.knative.dev", "triggers.eventing.knative.dev", "services.serving.knative.dev")


def up(settings: Settings, on_progress: Progress, timeout_seconds: int) -> None:
    """All of it, in order. A step that fails leaves the cluster as it is, and tells where its state was written."""
    make(settings, on_progress)
    with dump.on_failure(access.home_of(settings), on_progress):
        await_nodes(on_progress)
        install.install(plan.read().chosen(CHOICES), on_progress, timeout_seconds)
        load_images(on_progress)
        apply_loop(on_progress, timeout_seconds)


def require_fit(checks: Iterable[Check]) -> None:
    """DriftloopError if this machine cannot run the cluster; the checks, with their remedies, were shown."""
    problems = [check.name for check in checks if check.verdict == "problem"]
    if problems:
        raise DriftloopError(
            f"This machine cannot run the cluster: {', '.join(problems)}.", "What to do about each is above."
        )


def make(settings: Settings, on_progress: Progress) -> None:
    """The kind cluster, unless it is there, and the file by which kubectl finds it."""
    kubeconfig = access.kubeconfig_of(settings)
    if kind.exists():
        kind.export(kubeconfig)
    else:
        on_progress(Step("cluster", "is made by kind; the first time its node image is fetched"))
        kind.create(kubeconfig)


def await_nodes(on_progress: Progress) -> None:
    """Until every node is ready: also those of a cluster that was there and has just been started."""
    kubectl.run("wait", "--for=condition=Ready", "nodes", "--all", f"--timeout={kind.READY_SECONDS}s")
    on_progress(Step("cluster", "ready", done=True))


def load_images(on_progress: Progress) -> None:
    """Both images, built of what the checkout has now, into every node: what is unchanged costs little."""
    engine = kind.choose_engine().name
    on_progress(Step("images", "built"))
    images_command.build(engine)
    on_progress(Step("images", "loaded into the nodes"))
    images_command.load(engine, cluster=kind.name())
    on_progress(Step("images", "loaded", done=True))


def apply_loop(on_progress: Progress, timeout_seconds: int) -> None:
    """The overlay, and wait until Broker, Triggers and services are ready."""
    on_progress(Step("loop", "applied"))
    install.apply(Rendering(kubectl.run("kustomize", str(OVERLAY))), MANAGER, timeout_seconds)
    for arguments in waits(timeout_seconds):
        on_progress(Step("loop", f"waits for {arguments[2].partition('.')[0]}"))
        kubectl.run(*arguments)
    on_progress(Step("loop", "ready", done=True))


def waits(timeout_seconds: int) -> list[Sequence[str]]:
    """Arguments of kubectl, each of which ends when one kind of the loop's objects is ready."""
    rest = ("--all", f"--namespace={access.NAMESPACE}", f"--timeout={timeout_seconds}s")
    return [("wait", "--for=condition=Ready", each, *rest) for each in WAITED_FOR]
