"""What every role is answered on every route, as `test_route_matrix.py` asks it: who may do what, one row a route.

Eight statuses for the role's own place and unit, then eight for another place's, in the order of `permissions.ROLES`: worker,
police, community, triage, department, district, city, admin. 404 is for those who may not even know of a thing, 403 for those who
may know of it, 422 or 409 for those who have the right and asked for what cannot be.
"""

Statuses = tuple[list[int], list[int]]

TABLE = """
# Anybody's: the way in, what says whether the server is well (503: no worker runs here), and what is published.
GET /                                            303 303 303 303 303 303 303 303 | 303 303 303 303 303 303 303 303
GET /api/openapi.json                            200 200 200 200 200 200 200 200 | 200 200 200 200 200 200 200 200
GET /healthz                                     503 503 503 503 503 503 503 503 | 503 503 503 503 503 503 503 503
GET /open311/v2/requests.{format}                200 200 200 200 200 200 200 200 | 200 200 200 200 200 200 200 200
GET /open311/v2/requests/{id}.{format}           404 404 404 404 404 404 404 404 | 404 404 404 404 404 404 404 404
GET /open311/v2/services.{format}                200 200 200 200 200 200 200 200 | 200 200 200 200 200 200 200 200
GET /open311/v2/services/{code}.{format}         404 404 404 404 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /open311/v2/requests.{format}               403 403 403 403 403 403 403 403 | 403 403 403 403 403 403 403 403

# A device's or another system's: a session proves nothing here: a device's token, a signature or a password does. A device is
# revoked by its owner and administrators.
DELETE /api/devices/me/push                      401 401 401 401 401 401 401 401 | 401 401 401 401 401 401 401 401
DELETE /api/devices/{id}                         204 403 403 403 403 403 403 204 | 403 403 403 403 403 403 403 204
GET /api/devices/me                              401 401 401 401 401 401 401 401 | 401 401 401 401 401 401 401 401
GET /api/poke                                    401 401 401 401 401 401 401 401 | 401 401 401 401 401 401 401 401
GET /api/quarantine/mine                         401 401 401 401 401 401 401 401 | 401 401 401 401 401 401 401 401
POST /api/devices                                422 422 422 422 422 422 422 422 | 422 422 422 422 422 422 422 422
POST /api/devices/me                             401 401 401 401 401 401 401 401 | 401 401 401 401 401 401 401 401
POST /api/devices/{id}/loss                      401 401 401 401 401 401 401 401 | 401 401 401 401 401 401 401 401
POST /api/devices/me/data-key                    401 401 401 401 401 401 401 401 | 401 401 401 401 401 401 401 401
POST /api/ingest/{source}                        401 401 401 401 401 401 401 401 | 401 401 401 401 401 401 401 401
PUT /api/devices/me/push                         401 401 401 401 401 401 401 401 | 401 401 401 401 401 401 401 401
POST /api/rescue                                 401 401 401 401 401 401 401 401 | 401 401 401 401 401 401 401 401

# Everybody's own: the plain desk, notices (the one asked for is told to a unit: departments
# stand for theirs).
DELETE /api/notices/{id}/reading                 404 404 404 404 204 404 404 404 | 404 404 404 404 404 404 404 404
GET /api/notices                                 200 200 200 200 200 200 200 200 | 200 200 200 200 200 200 200 200
GET /desk                                        200 200 200 200 200 200 200 200 | 200 200 200 200 200 200 200 200
GET /notices                                     200 200 200 200 200 200 200 200 | 200 200 200 200 200 200 200 200
GET /notices/live                                200 200 200 200 200 200 200 200 | 200 200 200 200 200 200 200 200
POST /api/notices/reading                        200 200 200 200 200 200 200 200 | 200 200 200 200 200 200 200 200
POST /api/notices/{id}/reading                   404 404 404 404 204 404 404 404 | 404 404 404 404 404 404 404 404
POST /notices/reading                            200 200 200 200 200 200 200 200 | 200 200 200 200 200 200 200 200
POST /notices/reading/undoing                    200 200 200 200 200 200 200 200 | 200 200 200 200 200 200 200 200
POST /notices/{id}/opening                       404 404 404 404 303 404 404 404 | 404 404 404 404 404 404 404 404
POST /notices/{id}/reading                       404 404 404 404 303 404 404 404 | 404 404 404 404 404 404 404 404
POST /notices/{id}/reading/undoing               404 404 404 404 303 404 404 404 | 404 404 404 404 404 404 404 404

# Cases: who has a desk and the place sees them; the foreign list is that of the units they hold, which have no part in any
# case there. A case is reported: its community holds it, the township may take it up, nobody else moves it. Who called is for
# these two alone.
GET /api/cases                                   404 404 200 200 200 200 200 200 | 404 404 200 200 200 200 200 200
GET /api/cases/{id}                              404 404 200 200 200 200 200 200 | 404 404 404 404 404 404 404 404
GET /api/cases/{id}/papers/{kind}.html           404 404 200 200 200 200 200 200 | 404 404 404 404 404 404 404 404
GET /api/cases/{id}/papers/{kind}.pdf            404 404 200 200 200 200 200 200 | 404 404 404 404 404 404 404 404
GET /api/cases/{id}/twins                        404 404 200 200 200 200 200 200 | 404 404 404 404 404 404 404 404
GET /api/papers/{seal}                           404 404 200 200 200 200 200 200 | 404 404 404 404 404 404 404 404
GET /api/photos/{photo}/{size}                   200 200 200 200 200 200 200 200 | 404 404 404 404 404 404 404 404
GET /cases/{id}                                  404 404 200 200 200 200 200 200 | 404 404 404 404 404 404 404 404
GET /cases/{id}/live                             404 404 200 200 200 200 200 200 | 404 404 404 404 404 404 404 404
GET /cases/{id}/papers                           404 404 200 200 200 200 200 200 | 404 404 404 404 404 404 404 404
GET /district/{code}                             404 404 404 404 404 200 200 404 | 404 404 404 404 404 404 404 404
GET /district/{code}/live                        404 404 404 404 404 200 200 404 | 404 404 404 404 404 404 404 404
GET /papers/{seal}                               404 404 200 200 200 200 200 200 | 404 404 404 404 404 404 404 404
GET /township/{code}                             404 404 200 200 200 200 200 200 | 404 404 404 404 404 404 404 404
GET /township/{code}/coverage                    404 404 200 200 200 200 200 200 | 404 404 404 404 404 404 404 404
GET /township/{code}/live                        404 404 200 200 200 200 200 200 | 404 404 404 404 404 404 404 404
GET /turn                                        404 404 200 200 200 200 200 200 | 404 404 200 200 200 200 200 200
GET /turn/live                                   404 404 200 200 200 200 200 200 | 404 404 200 200 200 200 200 200
GET /unit                                        404 404 404 404 200 404 404 404 | 404 404 404 404 200 404 404 404
GET /unit/live                                   404 404 404 404 200 404 404 404 | 404 404 404 404 200 404 404 404
POST /api/cases/{id}/events                      404 404 422 422 403 403 403 403 | 404 404 404 404 404 404 404 404
POST /api/cases/{id}/twins/{other}/dismissal     404 404 404 404 403 403 403 403 | 404 404 404 404 404 404 404 404
GET /cases/{id}/caller/erasure                   404 404 200 200 403 403 403 403 | 404 404 404 404 404 404 404 404
POST /cases/{id}/caller                          404 404 422 422 403 403 403 403 | 404 404 404 404 404 404 404 404
POST /cases/{id}/caller/erasure                  404 404 422 422 403 403 403 403 | 404 404 404 404 404 404 404 404
POST /cases/{id}/caller/export                   404 404 422 422 403 403 403 403 | 404 404 404 404 404 404 404 404
POST /cases/{id}/moves                           404 404 422 422 403 403 403 403 | 404 404 404 404 404 404 404 404
POST /cases/{id}/twins/{other}/dismissal         404 404 303 303 403 403 403 403 | 404 404 404 404 404 404 404 404
POST /cases/{id}/twins/{other}/merger            404 404 409 409 403 403 403 403 | 404 404 404 404 404 404 404 404
POST /cases/{id}/twins/{other}/separation        404 404 409 409 403 403 403 403 | 404 404 404 404 404 404 404 404

# Taking in at the counter: triage of the township, and its communities.
GET /township/{code}/intake                      403 403 200 200 403 403 403 403 | 404 404 404 404 404 404 404 404
POST /township/{code}/intake                     403 403 422 422 403 403 403 403 | 404 404 404 404 404 404 404 404
POST /township/{code}/intake/rows                403 403 422 422 403 403 403 403 | 404 404 404 404 404 404 404 404

# Refused records: triage of the place, and administrators everywhere; 403 for a photo that was not opened with a purpose.
DELETE /api/quarantine/{id}/dismissal            403 403 403 409 403 403 403 409 | 403 403 403 404 403 403 403 409
GET /api/quarantine                              403 403 403 200 403 403 403 200 | 403 403 403 404 403 403 403 200
GET /api/quarantine/{id}                         403 403 403 200 403 403 403 200 | 403 403 403 404 403 403 403 200
GET /quarantine                                  403 403 403 200 403 403 403 200 | 403 403 403 200 403 403 403 200
GET /quarantine/{id}                             403 403 403 200 403 403 403 200 | 403 403 403 404 403 403 403 200
GET /quarantine/{id}/photos/{photo}              403 403 403 403 403 403 403 403 | 403 403 403 404 403 403 403 403
GET /rescue                                      403 403 403 200 403 403 403 200 | 403 403 403 200 403 403 403 200
GET /township/{code}/quarantine                  403 403 403 200 403 403 403 200 | 403 403 403 404 403 403 403 200
POST /api/quarantine/{id}/adoption               403 403 403 422 403 403 403 422 | 403 403 403 404 403 403 403 422
POST /api/quarantine/{id}/dismissal              403 403 403 422 403 403 403 422 | 403 403 403 404 403 403 403 422
POST /quarantine/{id}/adoption                   403 403 403 422 403 403 403 422 | 403 403 403 404 403 403 403 422
POST /quarantine/{id}/dismissal                  403 403 403 422 403 403 403 422 | 403 403 403 404 403 403 403 422
POST /quarantine/{id}/opening                    403 403 403 422 403 403 403 422 | 403 403 403 404 403 403 403 422
POST /quarantine/{id}/reopening                  403 403 403 409 403 403 403 409 | 403 403 403 404 403 403 403 409
POST /rescue                                     403 403 403 422 403 403 403 422 | 403 403 403 422 403 403 403 422

# Household files: the grid's own community and the township's triage read them, never police; what was superseded in them is the
# community's alone.
GET /erasures                                    404 404 200 404 404 404 404 404 | 404 404 200 404 404 404 404 404
GET /erasures/{id}                               404 404 200 404 404 404 404 404 | 404 404 404 404 404 404 404 404
GET /households                                  404 404 200 200 404 404 404 404 | 404 404 404 404 404 404 404 404
GET /households/errands                          404 404 200 200 404 404 404 404 | 404 404 200 200 404 404 404 404
GET /households/reviews                          404 404 200 404 404 404 404 404 | 404 404 200 404 404 404 404 404
GET /households/{grid}/{id}                      404 404 200 200 404 404 404 404 | 404 404 404 404 404 404 404 404
GET /households/{grid}/{id}/erasure              404 404 200 404 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /households/{grid}/{id}/erasure             404 404 422 404 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /households/needs                           404 404 422 422 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /households/{grid}/{id}/export              404 404 422 422 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /households/{grid}/{id}/opening             404 404 422 422 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /households/{grid}/{id}/{key}/opening       404 404 422 404 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /households/{grid}/{id}/{key}/restoration   404 404 303 404 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /households/{grid}/{id}/{key}/review        404 404 303 404 404 404 404 404 | 404 404 404 404 404 404 404 404

# Requests of police for household data: police ask in their own grids' township, its triage decides; who may not even ask is told
# nothing. The request asked for is not made by anybody here: withdrawing and reading are its officer's alone.
GET /api/requests                                404 200 404 200 404 404 404 404 | 404 200 404 200 404 404 404 404
GET /api/requests/{id}                           404 404 404 200 404 404 404 404 | 404 404 404 404 404 404 404 404
GET /requests                                    404 200 404 200 404 404 404 404 | 404 200 404 200 404 404 404 404
GET /requests/{id}                               404 404 404 200 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /api/requests                               404 422 404 403 404 404 404 404 | 404 403 404 403 404 404 404 404
POST /api/requests/{id}/decision                 404 404 404 422 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /api/requests/{id}/ending                   404 404 404 409 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /api/requests/{id}/reading                  404 404 404 404 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /api/requests/{id}/withdrawal               404 404 404 404 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /requests                                   404 422 404 403 404 404 404 404 | 404 403 404 403 404 404 404 404
POST /requests/{id}/decision                     404 404 404 422 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /requests/{id}/ending                       404 404 404 409 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /requests/{id}/reading                      404 404 404 404 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /requests/{id}/withdrawal                   404 404 404 404 404 404 404 404 | 404 404 404 404 404 404 404 404

# Whistles: triage blows and solves; the units called, district and city look on.
GET /api/whistles                                404 404 404 200 200 200 200 404 | 404 404 404 200 200 200 200 404
GET /api/whistles/{id}                           404 404 404 200 200 200 200 404 | 404 404 404 404 404 404 404 404
GET /whistles                                    404 404 404 200 200 200 200 404 | 404 404 404 200 200 200 200 404
GET /whistles/{id}                               404 404 404 200 200 200 200 404 | 404 404 404 404 404 404 404 404
POST /api/whistles                               403 403 403 422 403 403 403 403 | 403 403 403 403 403 403 403 403
POST /api/whistles/{id}/events                   404 404 404 422 403 403 403 404 | 404 404 404 404 404 404 404 404
POST /whistles                                   403 403 403 422 403 403 403 403 | 403 403 403 403 403 403 403 403
POST /whistles/{id}/moves                        404 404 404 422 403 403 403 404 | 404 404 404 404 404 404 404 404

# Campaigns: the township's triage.
GET /campaigns                                   404 404 404 200 404 404 404 404 | 404 404 404 200 404 404 404 404
GET /campaigns/{id}                              404 404 404 200 404 404 404 404 | 404 404 404 404 404 404 404 404
GET /campaigns/{id}/answers.{format}             404 404 404 200 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /campaigns                                  404 404 404 422 404 404 404 404 | 404 404 404 422 404 404 404 404
POST /campaigns/{id}/end                         404 404 404 303 404 404 404 404 | 404 404 404 404 404 404 404 404

# Hand-downs and admissions: department and district hand down in their own unit's name; the township's triage decides.
GET /api/handdowns                               404 404 404 200 200 200 200 200 | 404 404 404 200 200 200 200 200
GET /handdowns                                   404 404 404 200 200 200 200 200 | 404 404 404 200 200 200 200 200
POST /admissions                                 404 404 404 403 422 422 403 403 | 404 404 404 403 403 403 403 403
POST /admissions/{id}/decision                   404 404 404 422 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /api/handdowns                              403 403 403 403 422 422 403 403 | 403 403 403 403 403 403 403 403
POST /handdowns                                  404 404 404 403 422 422 403 403 | 404 404 404 403 403 403 403 403

# Lists and the calendar of working days: lists are read by townships and above; what is of the whole system is changed by
# administrators.
GET /calendar                                    404 404 404 404 404 404 404 200 | 404 404 404 404 404 404 404 200
GET /lists                                       404 404 404 303 404 303 303 303 | 404 404 404 303 404 303 303 303
GET /lists/changes                               404 404 404 200 404 200 200 200 | 404 404 404 200 404 200 200 200
GET /lists/download                              404 404 404 200 404 200 200 200 | 404 404 404 200 404 200 200 200
GET /lists/{list}                                404 404 404 200 404 200 200 200 | 404 404 404 200 404 200 200 200
GET /lists/{list}/entries/{key}                  404 404 404 404 404 404 404 404 | 404 404 404 404 404 404 404 404
GET /lists/{list}/new                            404 404 404 404 404 404 404 200 | 404 404 404 404 404 404 404 200
POST /calendar/hours                             404 404 404 404 404 404 404 422 | 404 404 404 404 404 404 404 422
POST /calendar/{year:int}                        404 404 404 404 404 404 404 422 | 404 404 404 404 404 404 404 422
POST /calendar/{year:int}/return                 404 404 404 404 404 404 404 422 | 404 404 404 404 404 404 404 422
POST /lists/changes                              404 404 404 404 404 404 404 422 | 404 404 404 404 404 404 404 422
POST /lists/changes/{n:int}/undoing              404 404 404 404 404 404 404 422 | 404 404 404 404 404 404 404 422
POST /lists/drafts/{id}/application              404 404 404 404 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /lists/drafts/{id}/discard                  404 404 404 404 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /lists/{list}/entries                       404 404 404 404 404 404 404 422 | 404 404 404 404 404 404 404 422

# The access log: triage for its township, districts for theirs, administrators; nobody by the name of a township that is not
# theirs.
GET /audit                                       404 404 404 200 404 200 404 200 | 404 404 404 404 404 404 404 404
POST /audit/export                               404 404 404 422 404 422 404 422 | 404 404 404 404 404 404 404 404

# Other systems and channels: administrators alone, wherever a system reports.
GET /channels                                    404 404 404 404 404 404 404 200 | 404 404 404 404 404 404 404 200
GET /sources                                     404 404 404 404 404 404 404 200 | 404 404 404 404 404 404 404 200
GET /sources/{id}                                404 404 404 404 404 404 404 200 | 404 404 404 404 404 404 404 200
POST /channels                                   404 404 404 404 404 404 404 422 | 404 404 404 404 404 404 404 422
POST /channels/deliveries/{id}/retry             404 404 404 404 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /channels/{id}                              404 404 404 404 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /channels/{id}/removal                      404 404 404 404 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /sources                                    404 404 404 404 404 404 404 422 | 404 404 404 404 404 404 404 422
POST /sources/calls/{case}/passing               404 404 404 404 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /sources/calls/{case}/retry                 404 404 404 404 404 404 404 404 | 404 404 404 404 404 404 404 404
POST /sources/{id}                               404 404 404 404 404 404 404 422 | 404 404 404 404 404 404 404 422
POST /sources/{id}/disabling                     404 404 404 404 404 404 404 303 | 404 404 404 404 404 404 404 303
POST /sources/{id}/enabling                      404 404 404 404 404 404 404 303 | 404 404 404 404 404 404 404 303
POST /sources/{id}/keys                          404 404 404 404 404 404 404 200 | 404 404 404 404 404 404 404 200
"""


def read(table: str) -> dict[str, Statuses]:
    """The table's rows by their route (`METHOD path`)."""
    found: dict[str, Statuses] = {}
    for line in table.splitlines():
        if line and not line.startswith("#"):
            method, path, *statuses = line.replace("|", " ").split()
            numbers = [int(one) for one in statuses]
            found[f"{method} {path}"] = numbers[:8], numbers[8:]
    return found


STATUSES = read(TABLE)
