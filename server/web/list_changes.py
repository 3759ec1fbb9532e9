"""Importing lists at the desk: upload, preview, apply or discard, and the history of changes with the undo of the last import.

Administrators import and undo; whoever reads the lists sees the history. The use cases are `server/lists/importing.py`.
"""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.domain import permissions
from server.domain.errors import Changed, InvalidInput
from server.domain.permissions import Person
from server.lists import importing, sheets, store
from server.lists.plans import VERBS
from server.web import desks, locale
from server.web.bodies import Form, Upload, takes_form, takes_upload
from server.web.errors import Answer
from server.web.list_views import STEPS_SHOWN
from server.web.lists import editor_of, makers, note, reader_of, refused, views_of
from server.web.services import services_of
from sync.databases import REF

SHOWN = 100
FORM_ROOM = 16 * 1024
DONE = ("applied", "undone", "discarded")


def show_changes(request: Request) -> Response:
    """`GET /lists/changes`: the upload form for administrators, and every change, newest first."""
    return _changes(request, reader_of(request))


@takes_upload(sheets.FILE_BYTES + FORM_ROOM)
def preview(request: Request, form: Form, upload: Upload | None) -> Response:
    """`POST /lists/changes`: what a file would change, kept as a draft; nothing counts yet."""
    person, language = editor_of(request), locale.language_of(request)
    services = services_of(request)
    if upload is None:
        return _changes(request, person, text=locale.text(language, "lists.file.required"), status=422)
    try:
        draft = importing.keep_draft(
            services.couch,
            person["name"],
            upload.content,
            upload.name,
            datetime.now(UTC),
            is_whole=form.get("whole") == "1",
            language=language,
        )
    except InvalidInput as error:
        return _changes(request, person, text=refused(error, language), status=422)
    views, plan = views_of(request), draft.plan
    changing = sum(step.verb != "same" for step in plan.steps)
    data = desks.frame_anywhere(request, person) | {
        "draft": draft.id,
        "file": draft.file,
        "is_whole": draft.is_whole,
        "counts": plan.counts(),
        "steps": [] if plan.problems else views.steps(plan),
        "more": max(0, changing - STEPS_SHOWN),
        "problems": views.problems(plan.problems),
        "may_apply": bool(plan.versions()) and not plan.problems,
    }
    return services.pages.show(request, "lists_preview.html", data, status=422 if plan.problems else 200)


def apply(request: Request) -> Response:
    """`POST /lists/drafts/{id}/application`: the draft becomes a change; 303 to the history."""
    person, language = editor_of(request), locale.language_of(request)
    try:
        draft = str(request.path_params["id"])
        number = importing.apply_draft(services_of(request).couch, person["name"], draft, datetime.now(UTC), language)
    except (InvalidInput, Changed) as error:
        return _changes(request, person, text=refused(error, language), status=Answer(error).status)
    note(request, person, "lists.import", number, "")
    services_of(request).nudges.announce([REF])
    return RedirectResponse(f"/lists/changes?done=applied&n={number}", 303)


def discard(request: Request) -> Response:
    """`POST /lists/drafts/{id}/discard`: throws the draft away."""
    person = editor_of(request)
    importing.discard(services_of(request).couch, person["name"], str(request.path_params["id"]))
    return RedirectResponse("/lists/changes", 303)


@takes_form
def undo(request: Request, form: Form) -> Response:
    """`POST /lists/changes/{n}/undoing`: the last import counts no more."""
    person, language = editor_of(request), locale.language_of(request)
    number, reason = int(request.path_params["n"]), form.get("reason", "")
    try:
        undone = importing.undo(services_of(request).couch, person["name"], number, datetime.now(UTC), reason)
    except (InvalidInput, Changed) as error:
        return _changes(request, person, text=Answer(error).text(language), status=Answer(error).status)
    note(request, person, "lists.undo", undone, reason)
    services_of(request).nudges.announce([REF])
    return RedirectResponse("/lists/changes?done=undone", 303)


def _changes(request: Request, person: Person, *, text: str | None = None, status: int = 200) -> Response:
    services, language = services_of(request), locale.language_of(request)
    kept = store.read(services.couch)
    newest = [doc for _, doc in sorted(kept.changes.items(), reverse=True)][:SHOWN]
    people = makers(request, newest)
    done = request.query_params.get("done", "")
    may_edit = permissions.may_edit_lists(person)
    data = desks.frame_anywhere(request, person) | {
        "may_edit": may_edit,
        "changes": [_change(doc, people, doc["n"] in kept.undone, language) for doc in newest],
        "undoable": importing.undoable(services.couch) if may_edit else None,
        "done": done if done in DONE else None,
        "n": request.query_params.get("n", "")[:8],
        "text": text,
    }
    return services.pages.show(request, "lists_changes.html", data, status=status)


def _change(doc: dict[str, Any], people: dict[str, str], is_undone: bool, language: str) -> dict[str, Any]:
    return {
        "n": doc["n"],
        "at": doc["at"],
        "by": people.get(doc["by"], doc["by"]),
        "kind": locale.text(language, f"lists.kind.{doc['kind']}", n=doc.get("of", "")),
        "file": (doc.get("file") or {}).get("name", ""),
        "reason": doc.get("reason", ""),
        "counts": {verb: (doc.get("counts") or {}).get(verb, 0) for verb in VERBS},
        "is_undone": is_undone,
    }
