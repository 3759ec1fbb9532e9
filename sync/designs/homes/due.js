// Households by the day their next visit is due: [scope, day, place]; day is '' when no visit is on record.
// Scope is '' for the township, the community's code, the grid's code.
function due(doc) {
  if (doc.type !== 'home' || !doc.place) return;
  emit(['', doc.due_on, doc.place], null);
  emit([doc.grid.slice(0, 12), doc.due_on, doc.place], null);
  emit([doc.grid, doc.due_on, doc.place], null);
}
