// When the time of a case is up, by what comes first, only while its clock runs: [whose, due_at], older than now is overdue.
// Whose is '' for the township, the community's code, the unit's id.
function due(doc) {
  if (doc.type !== 'case' || !doc.due_at || doc.stopped_at) return;
  if (doc.phase === 'ended' || doc.phase === 'waiting') return;
  emit(['', doc.due_at], null);
  emit([doc.grid.slice(0, 12), doc.due_at], null);
  if (doc.unit) emit([doc.unit, doc.due_at], null);
}
