// Rows [scope, facet, value, at] of an entry: a scope is a township, its district or, for administrators, "*"; a case is found by
// its id and by its number.
function entries(doc) {
  if (doc.type !== 'audit') return;
  var facts = doc.facts || {};
  var township = doc.township || facts.township || (facts.grid || '').slice(0, 9);
  var scopes = township ? ['*', township, township.slice(0, 6)] : ['*'];
  scopes.forEach(function (scope) {
    emit([scope, 'all', '', doc.at], null);
    emit([scope, 'by', doc.by, doc.at], null);
    emit([scope, 'action', doc.action, doc.at], null);
    emit([scope, 'subject', doc.subject, doc.at], null);
    if (facts.case_no) emit([scope, 'subject', facts.case_no, doc.at], null);
  });
}
