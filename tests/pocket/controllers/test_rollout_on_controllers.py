"""The rollout's writes on the controllers: real processes take the traffic that the steps give them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from controllers_parts import Home, fetch, running, runtime, stand_in, wait_until

from components.cluster import custom_objects
from components.inference_service import InferenceService, Served
from components.steering import Clock, NeverReadyError, Steering
from contracts.objects import ObjectStore
from contracts.settings import Settings
from pocket.kubernetes import access

ONE, TWO, BAD, FOUR = (Served(number, f"s3://driftloop/{number}/", number * 64) for number in "1294")


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory, plain_env: dict[str, str], s3_settings: Settings) -> Iterator[Home]:
    """A home whose predictor is the small server, which ends at once for version 9."""
    folder = tmp_path_factory.mktemp("rollout")
    program = stand_in(folder)
    program.write_text(
        program.read_text().replace('os.environ.get("BROKEN")', 'os.environ["DRIFTLOOP_MODEL_VERSION"] == "9"')
    )
    with running(folder / "home", plain_env) as found:
        store = ObjectStore(s3_settings)
        for number in "1294":
            store.put(f"s3://{s3_settings.data_bucket}/{number}/driftloop.json", b"{}")
        made = runtime(program, "driftloop-predictor")
        address = {"AWS_ENDPOINT_URL_S3": s3_settings.s3_endpoint, "AWS_REGION": "us-east-1"}
        keys = {"AWS_ACCESS_KEY_ID": s3_settings.s3_access_key, "AWS_SECRET_ACCESS_KEY": s3_settings.s3_secret_key}
        entries = [{"name": name, "value": value} for name, value in {**address, **keys}.items()]
        made["spec"]["containers"][0]["env"] = entries
        made["spec"]["supportedModelFormats"] = [{"name": "driftloop"}]
        found.apply(made)
        yield found


class FailureClock(Clock):
    """Time that runs out once a revision is known to have failed, however long that takes on a slow machine."""

    def __init__(self, service: InferenceService) -> None:
        self._service = service
        self._has_failed = False

    def now(self) -> datetime:
        """An hour on, from the look after the failure."""
        now = super().now() + timedelta(hours=self._has_failed)
        state = self._service.read()
        self._has_failed = state is not None and any("cannot be loaded" in told for told in state.complaints)
        return now


def answered(home: Home) -> str:
    """The version that answers one request."""
    url = home.get("InferenceService", "flights")["status"]["url"]
    return str(fetch(url)[1]["env"]["DRIFTLOOP_MODEL_VERSION"])


def test_a_life(there: Home) -> None:
    """First version, a canary that is never ready, one that goes back, one that is promoted: no request fails."""
    client = custom_objects({"KUBECONFIG": str(access.kubeconfig_path(there.path))})
    service = InferenceService(client, "default", "flights")

    def steering(served: Served, clock: Clock | None = None) -> Steering:
        return Steering(service, served, 60, 0.05, clock or Clock())

    steering(ONE).first()
    assert answered(there) == "1"
    seen: list[str] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.01):
            seen.append(answered(there))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        state = service.read()
        assert state is not None
        assert state.is_whole
        with pytest.raises(NeverReadyError, match="this model cannot be loaded"):
            steering(BAD, FailureClock(service)).deploy(state)
        assert steering(BAD).restore(ONE) == ""
        assert set(seen) == {"1"}
        state = service.read()
        assert state is not None
        assert (state.served, state.is_whole) == (ONE, True)
        back = steering(TWO)
        back.deploy(state)
        assert set(seen) == {"1"}
        back.give(50)
        wait_until(lambda: "2" in seen)
        assert back.restore(ONE) == ""
        place = len(seen) + 2
        state = service.read()
        assert state is not None
        assert (state.served, state.is_whole) == (ONE, True)
        last = steering(FOUR)
        last.deploy(state)
        assert set(seen[place:]) == {"1"}
        last.give(10)
        last.give(50)
        last.promote()
        place = len(seen) + 2
        wait_until(lambda: len(seen) > place + 20)
        assert set(seen[place:]) == {"4"}
    finally:
        ended.set()
        asking.join()
    assert set(seen) == {"1", "2", "4"}
