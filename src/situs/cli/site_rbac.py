"""``situs site rbac``: what an administrator applies to a cluster, so that situs may do what it does there."""

from __future__ import annotations

from typing import Annotated

import typer

from situs.model.error import InputError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rbac")(rbac_command)


def rbac_command(
    namespace: Annotated[
        str, typer.Option(help="That the site is kept in; one for each project keeps projects apart.")
    ] = "situs",
) -> None:
    """The rights that a site of kind kubernetes needs, as YAML: a namespace, an account, the least it can do with.

    Nothing is asked or changed. Secrets are written and removed, and never read; of the cluster as a whole the account
    only sees the list of nodes. `kubectl apply -f -` takes it from a pipe.

    Examples:

      situs site rbac --namespace research
    """
    from situs.sites.kubernetes.kind import name_in_cluster
    from situs.sites.kubernetes.permissions import manifests

    try:
        typer.echo(manifests(name_in_cluster(namespace)), nl=False)
    except ValueError as error:
        raise InputError(f"--namespace: {error}") from None
