// Households by what they need: [scope, need, day of the next visit, place]; scopes as in due.js.
function needs(doc) {
  if (doc.type !== 'home' || !doc.place) return;
  (doc.needs || []).forEach(function (need) {
    ['', doc.grid.slice(0, 12), doc.grid].forEach(function (scope) {
      emit([scope, need, doc.due_on, doc.place], null);
    });
  });
}
