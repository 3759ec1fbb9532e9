// Rows [facet, value, received_at] of a case: every filter of the lists, newest first when read backwards.
function facets(doc) {
  if (doc.type !== 'case') return;
  var at = doc.received_at, community = doc.grid.slice(0, 12), parts = {};
  emit(['all', '', at], null);
  emit(['state', doc.state, at], null);
  emit(['phase', doc.phase, at], null);
  emit(['category', doc.category, at], null);
  // The pairs that people have open all day; other pairs are checked on the documents.
  emit(['state+category', doc.state + ' ' + doc.category, at], null);
  emit(['state+community', doc.state + ' ' + community, at], null);
  emit(['phase+category', doc.phase + ' ' + doc.category, at], null);
  emit(['phase+community', doc.phase + ' ' + community, at], null);
  emit(['grid', doc.grid, at], null);
  emit(['community', community, at], null);
  if (doc.turn) emit(['turn', doc.turn, at], null);
  // Most cases never leave their community: that is no row worth having.
  if (doc.level && doc.level !== 'community') emit(['level', doc.level, at], null);
  if (doc.sample) emit(['sample', doc.sample, at], null);
  if (doc.unit) emit(['unit', doc.unit, at], null);
  // Every unit that has or had a part in it: handling, helping, having handled, called to the spot (case_rights.units_of).
  [doc.unit].concat(doc.supporting || [], doc.handlers || [], doc.called_units || []).forEach(function (unit) {
    if (unit && unit.slice(0, 5) === 'unit:') parts[unit] = true;
  });
  Object.keys(parts).forEach(function (unit) {
    emit(['part', unit, at], null);
    emit(['part+phase', unit + ' ' + doc.phase, at], null);
  });
}
