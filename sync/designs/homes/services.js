// Households by the services they get: [scope, service, day of the next visit, place]; scopes as in due.js.
function services(doc) {
  if (doc.type !== 'home' || !doc.place) return;
  (doc.services || []).forEach(function (service) {
    ['', doc.grid.slice(0, 12), doc.grid].forEach(function (scope) {
      emit([scope, service, doc.due_on, doc.place], null);
    });
  });
}
