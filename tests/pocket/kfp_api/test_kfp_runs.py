"""Runs by an unmodified kfp.Client."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kfp_server_api import ApiException

from contracts.errors import DataError, to_line
from tests.pocket.kfp_api.pipelines_api import Api, states, steps
from tests.pocket.kfp_api.tiny import fan


def test_runs_go_one_after_the_other(api: Api) -> None:
    """The second waits until the first has ended. Both have the server's environment, and tell how they went."""
    first, second = api.submit("one"), api.submit("two")
    api.wait(first, lambda run: run.state == "RUNNING")
    assert api.client.get_run(second).state == "PENDING"
    ended = [api.client.wait_for_run_completion(run_id, 100, 1) for run_id in (first, second)]
    for run in ended:
        assert states(run) == ["PENDING", "RUNNING", "SUCCEEDED"]
        assert steps(run) == {"greet": "SUCCEEDED", "end": "SUCCEEDED"}
        tasks = run.run_details.task_details
        assert run.created_at <= tasks[0].start_time <= tasks[0].end_time <= tasks[1].start_time <= run.finished_at
    assert ended[1].state_history[1].update_time >= ended[0].finished_at
    (written,) = Path(ended[1].runtime_config.pipeline_root).glob("*/greet/executor_output.json")
    assert json.loads(written.read_text())["parameterValues"] == {"Output": "hello two"}


def test_every_task_of_a_fan_out_is_told(api: Api) -> None:
    """Tasks that run at the same time have one name, and each its end."""
    run_id = api.client.create_run_from_pipeline_func(fan, run_name="fan", experiment_name="fans").run_id
    run = api.client.wait_for_run_completion(run_id, 100, 1)
    told = [(task.display_name, task.state) for task in run.run_details.task_details]
    assert told == [("count", "SUCCEEDED"), ("count", "SUCCEEDED"), ("greet", "SUCCEEDED")]
    assert all(task.end_time < run.finished_at for task in run.run_details.task_details)
    assert api.client.get_experiment(experiment_name="fans").experiment_id == run.experiment_id


def test_a_failed_run_has_the_words_of_its_step(api: Api) -> None:
    """A DriftloopError as the step left it, with its kind as a code; of any other failure its gist and its log."""
    expected = api.submit("expected", to_line(DataError("Column 'x' is missing.", "Add it.")))
    unexpected = api.submit("unexpected", "raise")
    run = api.client.wait_for_run_completion(expected, 100, 1)
    assert (run.state, run.error.code, run.error.message) == ("FAILED", 9, "Column 'x' is missing.\nAdd it.")
    assert steps(run) == {"greet": "SUCCEEDED", "end": "FAILED"}
    run = api.client.wait_for_run_completion(unexpected, 100, 1)
    assert run.error.code == 2
    assert "ValueError: no answer to hello unexpected" in run.error.message
    assert "run.log" in run.error.message


def test_termination_leaves_no_process(api: Api) -> None:
    """A run in progress ends with all its processes, a run that waits never begins; both are CANCELED, and stay so."""
    first, second, third = api.submit("first", "sleep"), api.submit("second"), api.submit("third")
    api.wait_for_step(first, "end")
    for run_id in (second, first):
        api.client.terminate_run(run_id)
    run = api.wait(first, lambda run: run.state == "CANCELED")
    assert states(run) == ["PENDING", "RUNNING", "CANCELING", "CANCELED"]
    assert steps(run) == {"greet": "SUCCEEDED", "end": "CANCELED"}
    assert not any("sleep" in process.cmdline()[:1] for process in api.processes())
    assert states(api.client.get_run(second)) == ["PENDING", "CANCELING", "CANCELED"]
    with pytest.raises(ApiException) as refused:
        api.client.terminate_run(first)
    assert refused.value.status == 400
    assert api.client.wait_for_run_completion(third, 100, 1).state == "SUCCEEDED"


def test_a_run_may_be_archived_and_deleted(api: Api) -> None:
    """One in progress may not."""
    run_id = api.submit("old", "sleep")
    with pytest.raises(ApiException, match="terminate it first"):
        api.client.delete_run(run_id)
    api.client.terminate_run(run_id)
    api.wait(run_id, lambda run: run.state == "CANCELED")
    api.client.archive_run(run_id)
    assert api.client.get_run(run_id).storage_state == "ARCHIVED"
    api.client.delete_run(run_id)
    with pytest.raises(ApiException) as refused:
        api.client.get_run(run_id)
    assert refused.value.status == 404
    assert json.loads(refused.value.body)["code"] == 5
