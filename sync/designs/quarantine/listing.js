// Rows [scope, list, facet, value, refused_at] of a refused thing: a scope is a township or, for administrators, "*"; a list is a
// state, or a state and "records" or "photos" of it. What is being adopted counts as waiting.
function listing(doc) {
  if (doc.type !== 'refused' || !doc.about) return;
  const state = doc.state === 'adopting' ? 'waiting' : doc.state;
  const lists = [state, state + '/' + (doc.about.type === 'photo' ? 'photos' : 'records')];
  for (const scope of doc.townships.concat('*')) {
    for (const list of lists) {
      emit([scope, list, 'all', '', doc.refused_at], null);
      emit([scope, list, 'reason', doc.reason, doc.refused_at], null);
      emit([scope, list, 'user', doc.user, doc.refused_at], null);
    }
  }
}
