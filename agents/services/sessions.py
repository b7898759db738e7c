"""One role's session on one decision: claim, open, run the loop, check the evidence, write what follows (D4, D7, D8).

The claim makes a step at-most-once, the lease keeps two workers off one session, and the journal lets a session whose worker
died go on when its message comes again.
"""

import logging
import os
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from agents import debate, loop, skilltool
from agents.answers import ANSWERS, AnalystAnswer, Answer, ReviewAnswer, TraderAnswer, parse_answer
from agents.encoding import plain
from agents.errors import JournalError, NoTradeError, SessionError, SkillError
from agents.evidence import CheckedClaim, check_claims
from agents.models import Evidence, Session
from agents.services import recording
from agents.services.desk import LEASE_TTL_S, Clock, Hold, SessionDesk
from agents.services.endpoints import configured
from agents.services.toolbox import Toolbox, tools_of
from agents.skillbook import Skill, read_book
from agents.types import Limits, Role, StopReason, desk_says
from trading import encoding
from trading.models import Decision
from trading.services import decisions, leases
from trading.types import Review, TradeIdea, TradePlan

log = logging.getLogger(__name__)

Status = Decision.Status
ROLES_DIR = Path(__file__).resolve().parents[1] / "roles"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The statuses a role takes a decision through, and the column its answer goes to."""

    taken_from: str
    working: str
    done: str
    column: str


STAGES = {
    Role.ANALYST: Stage(
        taken_from=Status.OPENED, working=Status.ANALYSING, done=Status.ANALYSED, column="idea"
    ),
    Role.TRADER: Stage(
        taken_from=Status.ANALYSED, working=Status.PLANNING, done=Status.PLANNED, column="plan"
    ),
    Role.RISK_MANAGER: Stage(
        taken_from=Status.PLANNED, working=Status.REVIEWING, done=Status.REVIEWED, column="review"
    ),
}


def run_role(*, decision_id: UUID | str, role: Role, clock: Clock, limits: Limits | None = None) -> str:
    """Runs the role's step of a decision and returns the decision's status after it.

    Does nothing when the step is done, not due, or another worker is at it. A step whose worker died goes on from its journal.
    """
    stage = STAGES[role]
    at = clock()
    name = f"debate:{decision_id}"
    owner = f"{os.getpid()}:{uuid.uuid4().hex[:8]}"
    epoch = leases.acquire(name=name, owner=owner, ttl_s=LEASE_TTL_S, at=at)
    if epoch is None:
        log.info("decision=%s role=%s is being worked on by another worker", decision_id, role)
        return _status(decision_id)
    try:
        claimed = decisions.claim(
            decision_id=decision_id, from_status=stage.taken_from, to_status=stage.working, at=at
        )
        if claimed or _status(decision_id) == stage.working:
            hold = Hold(name=name, owner=owner, epoch=epoch)
            _work(decision_id, role=role, hold=hold, clock=clock, limits=limits or Limits())
    finally:
        leases.release(name=name, owner=owner, epoch=epoch)
    return _status(decision_id)


def _status(decision_id: UUID | str) -> str:
    return str(Decision.objects.values_list("status", flat=True).get(pk=decision_id))


def _work(decision_id: UUID | str, *, role: Role, hold: Hold, clock: Clock, limits: Limits) -> None:
    decision = Decision.objects.select_related("instrument__venue", "account__venue", "operator").get(
        pk=decision_id
    )
    try:
        book = read_book(settings.SKILLS_DIR)
        session = _open_session(decision, role=role, book=book, limits=limits, at=clock())
        toolbox = Toolbox(role=role, decision=decision, book=book, pinned=session.skills)
        desk = SessionDesk(
            session=session, toolbox=toolbox, hold=hold, clock=clock, max_seconds=limits.max_seconds
        )
        outcome = loop.run(
            desk_says(session.brief),
            desk=desk,
            limits=limits,
            parse=lambda text: parse_answer(ANSWERS[role], text),
        )
        _conclude(session, outcome=outcome, at=clock())
    except SessionError as error:
        log.warning("decision=%s role=%s left to another worker: %s", decision_id, role, error)
    except (SkillError, JournalError) as error:
        log.error("decision=%s role=%s failed: %s", decision_id, role, error)
        _close(decision, role=role, reason=f"{role.value}: {error}"[:300], at=clock())
    except Exception as error:
        reason = f"{role.value}: {type(error).__name__}: {error}"[:300]
        _close(decision, role=role, reason=reason, at=clock())
        raise


def _open_session(
    decision: Decision, *, role: Role, book: Mapping[str, Skill], limits: Limits, at: datetime
) -> Session:
    """The role's session, as it was pinned when it first began."""
    mine = tools_of(role)
    skills = {name: skill for name, skill in book.items() if skill.suits(mine)}
    endpoint = configured()[0]
    session, _ = Session.objects.get_or_create(
        decision=decision,
        role=role.value,
        defaults={
            "provider": endpoint.provider,
            "model": endpoint.model,
            "system": debate.system_prompt(
                role=role,
                handbook=_handbook(role),
                skills={name: skill.description for name, skill in skills.items()},
            ),
            "brief": debate.brief_text(_brief(decision, role=role, skills=skills, at=at)),
            "tools": sorted(mine),
            "skills": {name: skill.digest for name, skill in sorted(skills.items())},
            "limits": plain(asdict(limits)),
            "started_at": at,
        },
    )
    return session


@cache
def _handbook(role: Role) -> str:
    return (ROLES_DIR / f"{role.value}.md").read_text(encoding="utf-8")


def _brief(decision: Decision, *, role: Role, skills: Mapping[str, Skill], at: datetime) -> debate.Brief:
    before = Session.objects.filter(decision=decision).exclude(role=role.value).order_by("started_at")
    claims = tuple(CheckedClaim(**claim) for session in before for claim in session.claims)
    return debate.Brief(
        role=role,
        instrument=decision.instrument.spec,
        mode=decision.mode,
        market=decision.market,
        at=at,
        idea=encoding.decode(TradeIdea, decision.idea) if decision.idea else None,
        plan=encoding.decode(TradePlan, decision.plan) if decision.plan else None,
        claims=claims,
        skill=decision.skill_name if decision.skill_name in skills else "",
    )


def _conclude(session: Session, *, outcome: loop.Outcome[Answer], at: datetime) -> None:
    """Writes the session's end and the decision's next status in one transaction."""
    session.stop_reason, session.stop_detail = outcome.stop.value, outcome.detail
    session.status, session.ended_at = Session.Status.ENDED, at
    stage, decision = STAGES[Role(session.role)], session.decision
    status: str = Status.NO_TRADE
    columns: dict[str, Any] = {"reason": f"{session.role}: {outcome.stop.value}: {outcome.detail}"}
    if outcome.answer is not None:
        session.answer = plain(outcome.answer.model_dump())
        try:
            status, columns = _next(session, outcome.answer, at=at)
        except NoTradeError as error:
            session.stop_reason, session.stop_detail = error.stop.value, str(error)
            kind = "" if error.stop is StopReason.ANSWERED else f"{error.stop.value}: "
            columns = {"reason": f"{session.role}: {kind}{error}"}
    with transaction.atomic():
        session.save()
        decisions.advance(
            decision_id=decision.pk, from_status=stage.working, to_status=status, at=at, **columns
        )


def _next(session: Session, answer: Answer, *, at: datetime) -> tuple[str, dict[str, Any]]:
    """The decision's next status and columns; NoTradeError when the answer says no, or does not hold."""
    spec = session.decision.instrument.spec
    stage = STAGES[Role(session.role)]
    value: TradeIdea | TradePlan | Review
    if isinstance(answer, AnalystAnswer):
        value = debate.idea_of(answer, instrument=spec)
    elif isinstance(answer, TraderAnswer):
        value = debate.plan_of(answer, instrument=spec, proposals=_proposals(session))
    else:
        assert isinstance(answer, ReviewAnswer)
        value = debate.review_of(answer, instrument=spec)
        if value.is_veto:  # a refusal needs no evidence
            reason = f"{session.role}: {answer.words}"
            return Status.VETOED, {stage.column: encoding.encode(value), "reason": reason}
    checked = check_claims(
        answer.cited, evidence=recording.evidence_views(session), venue=spec.venue, symbol=spec.symbol, at=at
    )
    session.claims = [asdict(claim) for claim in checked]
    return stage.done, {stage.column: encoding.encode(value), **_skill_used(session)}


def _proposals(session: Session) -> list[dict[str, Any]]:
    rows = Evidence.objects.filter(session=session, tool="propose_order").exclude(reference="")
    return [row.result or {} for row in rows.order_by("step__number", "position")]


def _skill_used(session: Session) -> dict[str, str]:
    """The skill the decision follows, for its columns: the quest's, else the first one the analyst opened."""
    if session.role != Role.ANALYST:
        return {}
    name = session.decision.skill_name
    if not name:
        opened = Evidence.objects.filter(session=session, tool=skilltool.NAME).exclude(reference="")
        first = opened.order_by("step__number", "position").first()
        name = (first.result or {}).get("skill", "") if first else ""
    return {"skill_name": name, "skill_hash": session.decision.skill_hash or session.skills.get(name, "")}


def _close(decision: Decision, *, role: Role, reason: str, at: datetime) -> None:
    """After a bug: the session and the decision end, and say so."""
    with transaction.atomic():
        Session.objects.filter(decision=decision, role=role.value).update(
            status=Session.Status.ENDED,
            stop_reason=StopReason.INTERNAL.value,
            stop_detail=reason,
            ended_at=at,
        )
        decisions.end(decision_id=decision.pk, status=Status.FAILED, reason=reason, at=at)
