"""The command `driftloop`: which commands there are. What each does is in a module of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from scripts import (
    approve_command,
    cluster_command,
    compile_command,
    demo_command,
    deploy_command,
    doctor_command,
    drift_command,
    edge,
    events_command,
    images_command,
    lineage_command,
    logs_command,
    platform_command,
    predict_command,
    promote_command,
    replay_command,
    retrain_command,
    rollout_command,
    run_command,
    schedule_command,
    services_commands,
)

app = typer.Typer(
    name="driftloop",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def driftloop(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an unexpected failure.")] = False,
) -> None:
    """Keep a model honest: train it, register it, serve it, and see where it came from.

    Runs on this machine as it is. To use servers you have, set their own variables, such as
    [bold]AWS_ENDPOINT_URL_S3[/bold] or [bold]MLFLOW_TRACKING_URI[/bold]: what is set is used and not started.
    """
    edge.show_tracebacks(debug)


app.command("up")(services_commands.up)
app.command("status")(services_commands.status)
app.command("drift")(drift_command.drift)
app.command("retrain")(retrain_command.retrain)
app.command("schedule")(schedule_command.schedule)
app.command("rollout")(rollout_command.rollout)
app.command("approve")(approve_command.approve)
app.command("promote")(promote_command.promote)
app.command("events")(events_command.events)
app.command("logs")(logs_command.logs)
app.command("doctor")(doctor_command.doctor)
app.command("down")(services_commands.down)
app.command("env")(services_commands.env)
app.command("run")(run_command.run)
app.command("deploy")(deploy_command.deploy)
app.command("predict")(predict_command.predict)
app.command("replay")(replay_command.replay)
app.command("lineage")(lineage_command.lineage)
app.command("compile")(compile_command.compile_pipeline)
app.add_typer(images_command.app, name="images")
app.command("demo")(demo_command.demo)
app.add_typer(platform_command.app, name="platform")
app.add_typer(cluster_command.app, name="cluster")


def main() -> int:
    """The process' edge: run one command; its exit code."""
    return edge.run(app)


if __name__ == "__main__":
    raise SystemExit(main())
