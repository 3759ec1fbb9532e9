// Errands by state, newest first when read backwards: [scope, state, at]; scopes as in due.js.
function errands(doc) {
  if (doc.type !== 'home_part' || doc.part !== 'errand') return;
  ['', doc.grid.slice(0, 12), doc.grid].forEach(function (scope) { emit([scope, doc.state, doc.at], null); });
}
