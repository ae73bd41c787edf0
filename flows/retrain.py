"""Retrain: take new data of moving sources, run what is out of date, judge the models, promote what is better.

In a worktree of its own below `.state/retrain`, so that nothing here is touched; the result is a branch `retrain/<n>`.
With nothing new it ends in seconds. One that was interrupted is gone on with by the next run. `sar-text retrain` runs
it here; the deployment in prefect.yaml runs it on a worker, by its schedule.
"""

from prefect import flow

from flows import crashes as in_a_row
from flows.stage import step
from tasks import tracking


@flow(name="retrain", flow_run_name="retrain")
def retrain(revision: str | None = None, dry_run: bool = False, crashes: int = 0) -> None:
    from tasks.lineage.card import attach
    from tasks.retrain import message, steps, unfinished, webhook

    in_a_row.check(crashes)
    with unfinished.only_one():
        started = unfinished.load()
        if started is None:
            base = step(steps.prepare)(revision)
            changes = step(steps.look)()
            stale = step(steps.out_of_date)()
            for each in changes:
                print(each.text(), flush=True)
            if not any(changes) and not stale:
                print("nothing new: no source moved, and every stage is up to date", flush=True)
                return
            print(f"out of date: {', '.join(stale)}, and what stands behind", flush=True)
            if dry_run:
                return
            started = step(steps.begin)(base, changes)
        else:
            print(f"{started.branch} was interrupted: it goes on from there", flush=True)
            if dry_run:
                return
            step(steps.resume)()
        step(steps.train)()
        if not started.decisions:
            started = step(steps.judge)(started)
        pushed = step(steps.push)()
        text = message.write(started, pushed=pushed)
        commit = step(steps.commit_results)(text)
        step(attach)([f"{each['name']}/{each['version']}" for each in started.decisions])  # the lock is in git only now
        unfinished.finish()
    _tell(text, commit=commit, not_told=webhook.notify(text))


def _tell(text: str, *, commit: str, not_told: str | None) -> None:
    print(f"{text}\n\ncommit {commit}", flush=True)
    if not_told is not None:
        print(f"warning: {not_told}", flush=True)
    if tracking.enabled():
        from prefect.artifacts import create_markdown_artifact

        create_markdown_artifact(text, key="retrain", description=f"commit {commit}")
