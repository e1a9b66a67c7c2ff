"""``situs propose``, ``plans`` and ``reject``: plans that people hand in, for somebody else's word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.plane import ByOption, DbOption, ReasonOption, plain
from situs.cli.server import ServerOption, control_plane
from situs.cli.session import OffOption
from situs.cli.tables import table as new_table
from situs.model.error import InputError

if TYPE_CHECKING:
    from situs.client.control_plane import Proposals
    from situs.client.offer import Offer
    from situs.control.approval.verdicts import Proposal

IN_FORCE = "in-force"
WORDS: Mapping[str, Mapping[str, Any]] = {
    "en": {
        "columns": ("plan", "follows", "handed in", "by", "stands", "decided by", "why"),
        "none": "nobody has handed a plan in",
        "proposed": "plan {plan} is handed in and {state}", "approve": "`situs approve {plan}` puts it in force",
        "apply": "`situs apply {plan}` puts it in force", "one": "plan {plan} of {by}, {at}: {state}",
        "reason": "why: {reason}", "decided": "{by} decided: {reason}", "loosens": "it makes laxer:",
        "rejected": "plan {plan} is rejected; handed in again, it may come into force",
        "already": "that was so already",
        "follows": "the next `situs plan` follows {plan}",
        "states": {
            "waits": "waits for approval", "ready": "needs no approval", "in-force": "in force",
            "was-in-force": "was in force", "rejected": "rejected", "stale": "another plan came in between",
        },
    },
    "de": {
        "columns": ("Plan", "folgt auf", "eingereicht", "durch", "Stand", "entschieden durch", "warum"),
        "none": "niemand hat einen Plan eingereicht",
        "proposed": "Plan {plan} ist eingereicht: {state}", "approve": "`situs approve {plan}` setzt ihn in Kraft",
        "apply": "`situs apply {plan}` setzt ihn in Kraft", "one": "Plan {plan} von {by}, {at}: {state}",
        "reason": "warum: {reason}", "decided": "{by} hat entschieden: {reason}", "loosens": "er macht lockerer:",
        "rejected": "Plan {plan} ist abgelehnt; erneut eingereicht, darf er in Kraft treten",
        "already": "das war schon so",
        "follows": "der nächste `situs plan` folgt auf {plan}",
        "states": {
            "waits": "wartet auf Zustimmung", "ready": "braucht keine Zustimmung", "in-force": "gilt",
            "was-in-force": "galt", "rejected": "abgelehnt", "stale": "ein anderer Plan kam dazwischen",
        },
    },
}  # fmt: skip
HandedIn = Annotated[str, typer.Argument(help="Id of the plan, or its beginning.", metavar="PLAN")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("propose")(propose_command)
    app.command("plans")(plans_command)
    app.command("reject")(reject_command)


def propose_command(
    plan: Annotated[
        str | None,
        typer.Argument(
            help="A recorded plan: its id or the beginning of it, a plan's file, or 'latest'.", metavar="PLAN",
            show_default="the estate is planned by who takes it",
        ),
    ] = None,
    estate: EstateOption = HERE,
    off: OffOption = None,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Hand a plan in, with the files that its runs need; it is in force only once it is approved or applied.

    Without PLAN the estate is handed in, and planned by the control plane after the plan in force. A PLAN made here is
    made again there, and refused unless the same comes out to the byte.

    Examples:

      situs propose --reason "b is cheaper"

      situs propose latest --server prod
    """
    offer = _offer(plan, estate, off)
    made = control_plane(server, db, estate, by, new=True).proposals().propose(offer, reason)
    if as_json:
        emit_json(plain(made))
        return
    words = WORDS[language()]
    _line(words["proposed"].format(plan=made.plan[:19], state=words["states"][made.state]))
    _show_needs(made)


def plans_command(
    plan: Annotated[
        str | None,
        typer.Argument(
            help="Id of one, or its beginning, or 'in-force'.", metavar="PLAN", show_default="all"
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=500)] = 30,
    follow: Annotated[
        bool, typer.Option("--follow", help="Have the next `situs plan` of the estate follow PLAN.")
    ] = False,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plans that were handed in, the newest first: by whom, how each stands, who decided; or one, and what it changes.

    Examples:

      situs plans

      situs plans 3fa9c1

      situs plans in-force --follow --server prod
    """
    if follow and plan is None:
        raise InputError("--follow takes one plan; `situs plans in-force --follow` takes the one in force")
    proposals = control_plane(server, db, estate).proposals()
    if plan is None:
        _show_all(proposals.newest(limit), as_json)
    elif follow:
        _follow(proposals, plan, estate, as_json)
    else:
        _show_one(proposals, plan, as_json)


def reject_command(
    plan: HandedIn,
    reason: Annotated[str, typer.Option("--reason", help="Why, for who handed it in.")],
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have a plan that was handed in not come into force.

    Examples:

      situs reject 3fa9c1 --reason "not before the audit"
    """
    if not reason.strip():
        raise InputError("--reason is empty; say why, for who handed it in")
    changed = control_plane(server, db, estate, by).proposals().reject(plan, reason)
    if as_json:
        emit_json({"changed": changed})
    else:
        _line(WORDS[language()]["rejected" if changed else "already"].format(plan=plan))


def _offer(plan: str | None, estate: Path, off: list[str] | None) -> Offer:
    """All of it, before anybody is asked. Raises InputError."""
    from situs.client.offer import offered
    from situs.store.records import Records

    if plan is None:
        from situs.cli.session import open_session

        session = open_session(estate, off=off)
        return offered(session.intent, estate, off=session.off)
    if off:
        raise InputError("a plan says itself what was switched off; leave --off out, or the plan")
    records = Records(estate)
    chosen = records.load(plan)
    return offered(records.intent_of(chosen), estate, chosen)


def _follow(proposals: Proposals, plan: str, estate: Path, as_json: bool) -> None:
    from situs.store.records import Records

    found, records = proposals.document(plan), Records(estate)
    records.keep(found)
    records.follow(found.id)
    if as_json:
        emit_json({"follows": found.id})
    else:
        _line(WORDS[language()]["follows"].format(plan=found.id[:19]))


def _show_all(found: Sequence[Proposal], as_json: bool) -> None:
    if as_json:
        emit_json([plain(each) for each in found])
        return
    words = WORDS[language()]
    if not found:
        console.print(words["none"])
        return
    table = new_table(*words["columns"])
    for each in found:
        table.add_row(
            each.plan[7:19], (each.parent or "")[7:19], f"{each.at:%Y-%m-%d %H:%MZ}", escape(", ".join(each.by)),
            words["states"][each.state], escape(each.decided_by or ""), escape(each.because or each.reason or ""),
        )  # fmt: skip
    console.print(table)


def _show_one(proposals: Proposals, plan: str, as_json: bool) -> None:
    from situs.cli.records import show_differences
    from situs.store.replay import differences, origins

    found = proposals.one(plan)
    lang = "en" if as_json else language()
    after = proposals.document(found.plan)
    before = proposals.document(IN_FORCE) if found.parent is not None else None
    changed = (*origins(before, after, lang), *differences(before, after, lang)) if before else ()
    if as_json:
        emit_json({**plain(found), "changes": [vars(each) for each in changed]})
        return
    words = WORDS[lang]
    _line(
        words["one"].format(
            plan=found.plan[:19], by=", ".join(found.by), at=f"{found.at:%Y-%m-%d %H:%MZ}",
            state=words["states"][found.state],
        )
    )  # fmt: skip
    if found.reason:
        _line(words["reason"].format(reason=found.reason))
    if found.decided_by:
        _line(words["decided"].format(by=found.decided_by, reason=found.because or "—"))
    if before is not None:
        show_differences(changed)
    _show_needs(found)


def _show_needs(found: Proposal) -> None:
    """What it waits for, and what may be done with it next."""
    from situs.cli.approve import show_waits

    words = WORDS[language()]
    if found.state == "waits":
        show_waits(found.waits_for)
        for index, each in enumerate(found.loosens):
            _line((f"{words['loosens']}\n" if index == 0 else "") + f"  {each}")
    following = {"waits": "approve", "ready": "apply"}.get(found.state)
    if following is not None:
        console.print(words[following].format(plan=found.plan[7:19]), style="dim", soft_wrap=True)


def _line(text: str) -> None:
    console.print(text, soft_wrap=True, markup=False)
