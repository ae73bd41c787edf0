"""Audit: every champion and challenger of the registry, with every digest behind it hashed anew.

A finding fails the run, and so does what cannot be read. The deployment in prefect.yaml runs it every week.

Out  a Prefect artifact with findings and notes by version
Run  python -m flows.audit
"""

from prefect import flow

from flows import crashes as in_a_row
from flows.stage import main, step
from tasks import tracking


@flow(name="audit", flow_run_name="audit")
def audit(crashes: int = 0) -> None:
    from tasks.lineage.full import full_audit, in_use, markdown

    in_a_row.check(crashes)
    audits = [step(full_audit)(version, verified=True) for version in in_use()]
    text = markdown(audits)
    print(text, flush=True)
    if tracking.enabled():
        from prefect.artifacts import create_markdown_artifact

        create_markdown_artifact(text, key="audit", description="What the audit of champions and challengers found")
    count = sum(len(each.findings) for each in audits)
    if count:
        raise ValueError(f"the audit has {count} findings, listed above and in the artifact `audit`")


if __name__ == "__main__":
    main(audit)
