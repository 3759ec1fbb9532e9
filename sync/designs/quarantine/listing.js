// Rows [scope, list, facet, value, refused_at] of a refused thing: a scope is a township or, for administrators, "*"; a list is a
// state, or a state and "records" or "photos" of it. What is being adopted counts as waiting.
function listing(doc) {
  if (doc.type !== 'refused' || !doc.about) return;
  var state = doc.state === 'adopting' ? 'waiting' : doc.state;
  var lists = [state, state + '/' + (doc.about.type === 'photo' ? 'photos' : 'records')];
  doc.townships.concat('*').forEach(function (scope) {
    lists.forEach(function (list) {
      emit([scope, list, 'all', '', doc.refused_at], null);
      emit([scope, list, 'reason', doc.reason, doc.refused_at], null);
      emit([scope, list, 'user', doc.user, doc.refused_at], null);
    });
  });
}
