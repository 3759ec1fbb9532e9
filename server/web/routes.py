"""Every address of the server, in one table (DESIGN §7). Mounted from elsewhere: `/db` the gateway, `/api/uploads` tus."""

from pathlib import Path

from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from server.web import (
    audit_log,
    calendar,
    campaigns,
    case_caller,
    cases_api,
    channels,
    counter,
    coverage,
    desks,
    devices_api,
    handdowns,
    handdowns_api,
    household_erasure,
    household_export,
    household_file,
    household_list,
    household_requests,
    household_requests_api,
    household_reviews,
    ingest,
    list_changes,
    list_pages,
    lists,
    live_desk,
    notices,
    notices_api,
    open311,
    openapi,
    papers,
    phone,
    photo_files,
    poke,
    push_api,
    quarantine,
    quarantine_api,
    rescue,
    rescue_import,
    session_routes,
    sources,
    twins,
    whistles,
    whistles_api,
)
from server.web import case as case_page
from server.web.assets import Assets
from server.web.health_route import healthz


def routes(gateway: ASGIApp, uploads: ASGIApp, rescue_uploads: ASGIApp, assets: Assets, phone_folder: Path) -> list[BaseRoute]:
    """The table. What phones ask all day stands first: every address before it is tried on each of their requests."""
    # The address itself is a route of its own: a mount alone would send phones that create an upload on to "/api/uploads/".
    mounted = [Mount("/db", gateway), Route("/api/uploads", uploads), Mount("/api/uploads", uploads)]
    rescued = [Route("/api/rescue/uploads", rescue_uploads), Mount("/api/rescue/uploads", rescue_uploads)]
    desk = [*_pages(), *_households(), *_whistles(), *_lists(), *_notices(), *_sources(), *_quarantine()]
    return [*mounted, *_api(), *desk, *rescued, *_files(assets, phone_folder)]


def _pages() -> list[BaseRoute]:
    return [
        Route("/", session_routes.sign_in_page),
        Route("/", session_routes.submit_sign_in, methods=["POST"]),
        Route("/sign-out", session_routes.submit_sign_out, methods=["POST"]),
        Route("/desk", desks.plain_desk),
        Route("/turn", list_pages.show_turn),
        Route("/turn/live", live_desk.list_stream),
        Route("/unit", list_pages.show_unit),
        Route("/unit/live", live_desk.list_stream),
        Route("/township/{code}", list_pages.show_township),
        Route("/township/{code}/live", live_desk.list_stream),
        Route("/township/{code}/coverage", coverage.show_coverage),
        Route("/district/{code}", list_pages.show_district),
        Route("/district/{code}/live", live_desk.list_stream),
        Route("/cases/{id}", case_page.show_case),
        Route("/cases/{id}/live", live_desk.case_stream),
        Route("/campaigns", campaigns.show_campaigns),
        Route("/campaigns", campaigns.send_campaign, methods=["POST"]),
        Route("/campaigns/{id}", campaigns.show_campaign),
        Route("/campaigns/{id}/end", campaigns.end_campaign, methods=["POST"]),
        Route("/campaigns/{id}/answers.{format}", campaigns.download_answers),
        Route("/cases/{id}/papers", papers.show_papers),
        Route("/papers/{seal}", papers.show_seal),
        Route("/cases/{id}/moves", case_page.submit_move, methods=["POST"]),
        Route("/cases/{id}/caller", case_caller.open_caller, methods=["POST"]),
        Route("/cases/{id}/caller/export", case_caller.export_caller, methods=["POST"]),
        Route("/cases/{id}/caller/erasure", case_caller.show_erasure),
        Route("/cases/{id}/caller/erasure", case_caller.erase_caller, methods=["POST"]),
        Route("/cases/{id}/twins/{other}/merger", twins.submit_merger, methods=["POST"]),
        Route("/cases/{id}/twins/{other}/dismissal", twins.submit_dismissal, methods=["POST"]),
        Route("/cases/{id}/twins/{other}/separation", twins.submit_separation, methods=["POST"]),
    ]


def _households() -> list[BaseRoute]:
    return [
        Route("/households", household_list.show_households),
        Route("/households/needs", household_list.show_by_need, methods=["POST"]),
        Route("/households/errands", household_list.show_errands),
        Route("/households/reviews", household_reviews.show_reviews),
        Route("/households/{grid}/{id}", household_file.show_file),
        Route("/households/{grid}/{id}/erasure", household_erasure.show_form),
        Route("/households/{grid}/{id}/erasure", household_erasure.ask, methods=["POST"]),
        Route("/erasures", household_erasure.show_erasures),
        Route("/erasures/{id}", household_erasure.show_erasure),
        Route("/households/{grid}/{id}/export", household_export.export, methods=["POST"]),
        Route("/households/{grid}/{id}/opening", household_file.open_field, methods=["POST"]),
        Route("/households/{grid}/{id}/{key}/opening", household_reviews.open_value, methods=["POST"]),
        Route("/households/{grid}/{id}/{key}/restoration", household_reviews.restore_value, methods=["POST"]),
        Route("/requests", household_requests.show_requests),
        Route("/requests", household_requests.submit_request, methods=["POST"]),
        Route("/requests/{id}", household_requests.show_request),
        Route("/requests/{id}/decision", household_requests.submit_decision, methods=["POST"]),
        Route("/requests/{id}/withdrawal", household_requests.submit_withdrawal, methods=["POST"]),
        Route("/requests/{id}/ending", household_requests.submit_ending, methods=["POST"]),
        Route("/requests/{id}/reading", household_requests.read_excerpt, methods=["POST"]),
        Route("/api/requests", household_requests_api.list_requests),
        Route("/api/requests", household_requests_api.add_request, methods=["POST"]),
        Route("/api/requests/{id}", household_requests_api.show_request),
        Route("/api/requests/{id}/decision", household_requests_api.decide, methods=["POST"]),
        Route("/api/requests/{id}/withdrawal", household_requests_api.withdraw, methods=["POST"]),
        Route("/api/requests/{id}/ending", household_requests_api.end, methods=["POST"]),
        Route("/api/requests/{id}/reading", household_requests_api.read_excerpt, methods=["POST"]),
        Route("/households/{grid}/{id}/{key}/review", household_reviews.let_value_go, methods=["POST"]),
    ]


def _whistles() -> list[BaseRoute]:
    return [
        Route("/whistles", whistles.show_board),
        Route("/whistles", whistles.submit_whistle, methods=["POST"]),
        Route("/whistles/{id}", whistles.show_whistle),
        Route("/whistles/{id}/moves", whistles.submit_move, methods=["POST"]),
        Route("/api/whistles", whistles_api.list_whistles),
        Route("/api/whistles", whistles_api.add_whistle, methods=["POST"]),
        Route("/api/whistles/{id}", whistles_api.show_whistle),
        Route("/api/whistles/{id}/events", whistles_api.add_event, methods=["POST"]),
    ]


def _lists() -> list[BaseRoute]:
    return [
        Route("/calendar", calendar.show_calendar),
        Route("/calendar/hours", calendar.set_hours, methods=["POST"]),
        Route("/calendar/{year:int}", calendar.load_year, methods=["POST"]),
        Route("/calendar/{year:int}/return", calendar.go_back, methods=["POST"]),
        Route("/handdowns", handdowns.show_handdowns),
        Route("/handdowns", handdowns.submit_handdown, methods=["POST"]),
        Route("/admissions", handdowns.submit_request, methods=["POST"]),
        Route("/admissions/{id}/decision", handdowns.submit_decision, methods=["POST"]),
        Route("/lists", lists.show_first),
        Route("/lists/download", lists.download),
        Route("/lists/changes", list_changes.show_changes),
        Route("/lists/changes", list_changes.preview, methods=["POST"]),
        Route("/lists/changes/{n:int}/undoing", list_changes.undo, methods=["POST"]),
        Route("/lists/drafts/{id}/application", list_changes.apply, methods=["POST"]),
        Route("/lists/drafts/{id}/discard", list_changes.discard, methods=["POST"]),
        Route("/lists/{list}", lists.show_list),
        Route("/lists/{list}/new", lists.show_new),
        Route("/lists/{list}/entries", lists.save_entry, methods=["POST"]),
        Route("/lists/{list}/entries/{key}", lists.show_entry),
    ]


def _api() -> list[BaseRoute]:
    return [
        Route("/healthz", healthz),
        Route("/api/openapi.json", openapi.show_interface),
        Route("/api/session", session_routes.start_session, methods=["POST"]),
        Route("/api/session", session_routes.end_session, methods=["DELETE"]),
        Route("/api/devices", devices_api.enrol, methods=["POST"]),
        Route("/api/devices/me", devices_api.show_own),
        Route("/api/devices/me", devices_api.report_unsent, methods=["POST"]),
        Route("/api/devices/me/data-key", devices_api.open_own, methods=["POST"]),
        Route("/api/devices/me/push", push_api.subscribe, methods=["PUT"]),
        Route("/api/devices/me/push", push_api.unsubscribe, methods=["DELETE"]),
        Route("/api/devices/{id}", devices_api.revoke, methods=["DELETE"]),
        Route("/api/devices/{id}/loss", devices_api.report_loss, methods=["POST"]),
        Route("/api/cases", cases_api.list_cases),
        Route("/api/handdowns", handdowns_api.count_handdowns),
        Route("/api/handdowns", handdowns_api.make_handdown, methods=["POST"]),
        Route("/api/cases/{id}", cases_api.show_case),
        Route("/api/cases/{id}/events", cases_api.add_event, methods=["POST"]),
        Route("/api/cases/{id}/twins", twins.list_twins),
        Route("/api/cases/{id}/twins/{other}/dismissal", twins.dismiss, methods=["POST"]),
        Route("/api/cases/{id}/papers/{kind}.html", papers.show_html),
        Route("/api/cases/{id}/papers/{kind}.pdf", papers.show_pdf),
        Route("/api/papers/{seal}", papers.verify),
        Route("/api/photos/{photo}/{size}", photo_files.show_photo),
        Route("/api/poke", poke.poke),
        Route("/api/ingest/{source}", ingest.take_in, methods=["POST"]),
    ]


def _quarantine() -> list[BaseRoute]:
    return [
        Route("/township/{code}/quarantine", quarantine.show_list),
        Route("/quarantine", quarantine.show_list),
        Route("/quarantine/{id}", quarantine.show_entry),
        Route("/quarantine/{id}/photos/{photo}", quarantine.show_photo),
        Route("/quarantine/{id}/adoption", quarantine.submit_adoption, methods=["POST"]),
        Route("/quarantine/{id}/dismissal", quarantine.submit_dismissal, methods=["POST"]),
        Route("/quarantine/{id}/reopening", quarantine.submit_reopening, methods=["POST"]),
        Route("/quarantine/{id}/opening", quarantine.submit_opening, methods=["POST"]),
        Route("/api/rescue", rescue.rescue, methods=["POST"]),
        Route("/rescue", rescue_import.show_form),
        Route("/rescue", rescue_import.take_file, methods=["POST"]),
        Route("/api/quarantine", quarantine_api.list_entries),
        Route("/api/quarantine/mine", quarantine_api.list_own),
        Route("/api/quarantine/{id}", quarantine_api.show_entry),
        Route("/api/quarantine/{id}/adoption", quarantine_api.adopt, methods=["POST"]),
        Route("/api/quarantine/{id}/dismissal", quarantine_api.dismiss, methods=["POST"]),
        Route("/api/quarantine/{id}/dismissal", quarantine_api.reopen, methods=["DELETE"]),
    ]


def _notices() -> list[BaseRoute]:
    return [
        Route("/audit", audit_log.show_log),
        Route("/audit/export", audit_log.export_log, methods=["POST"]),
        Route("/channels", channels.show_channels),
        Route("/channels", channels.add_channel, methods=["POST"]),
        Route("/channels/{id}", channels.change_channel, methods=["POST"]),
        Route("/channels/{id}/removal", channels.remove_channel, methods=["POST"]),
        Route("/channels/deliveries/{id}/retry", channels.retry_delivery, methods=["POST"]),
        Route("/notices", notices.show_notices),
        Route("/notices/live", live_desk.notice_stream),
        Route("/notices/reading", notices.read_all, methods=["POST"]),
        Route("/notices/reading/undoing", notices.unread_all, methods=["POST"]),
        Route("/notices/{id}/opening", notices.open_notice, methods=["POST"]),
        Route("/notices/{id}/reading", notices.read_notice, methods=["POST"]),
        Route("/notices/{id}/reading/undoing", notices.unread_notice, methods=["POST"]),
        Route("/api/notices", notices_api.list_notices),
        Route("/api/notices/reading", notices_api.read_all, methods=["POST"]),
        Route("/api/notices/{id}/reading", notices_api.read_notice, methods=["POST"]),
        Route("/api/notices/{id}/reading", notices_api.unread_notice, methods=["DELETE"]),
    ]


def _sources() -> list[BaseRoute]:
    return [
        Route("/township/{code}/intake", counter.show_counter),
        Route("/township/{code}/intake", counter.register, methods=["POST"]),
        Route("/township/{code}/intake/rows", counter.take_rows, methods=["POST"]),
        Route("/sources", sources.show_sources),
        Route("/sources", sources.add_source, methods=["POST"]),
        Route("/sources/calls/{case}/retry", sources.try_again, methods=["POST"]),
        Route("/sources/calls/{case}/passing", sources.pass_over, methods=["POST"]),
        Route("/sources/{id}", sources.show_source),
        Route("/sources/{id}", sources.save_source, methods=["POST"]),
        Route("/sources/{id}/keys", sources.renew_keys, methods=["POST"]),
        Route("/sources/{id}/disabling", sources.shut_out, methods=["POST"]),
        Route("/sources/{id}/enabling", sources.let_in, methods=["POST"]),
        Route("/open311/v2/services.{format}", open311.list_services),
        Route("/open311/v2/services/{code}.{format}", open311.show_service),
        Route("/open311/v2/requests.{format}", open311.list_requests),
        Route("/open311/v2/requests.{format}", open311.add_request, methods=["POST"]),
        Route("/open311/v2/requests/{id}.{format}", open311.show_request),
    ]


def _files(assets: Assets, phone_folder: Path) -> list[BaseRoute]:
    return [Mount("/static", assets), Mount("/m", phone.PhoneFiles(phone_folder))]
