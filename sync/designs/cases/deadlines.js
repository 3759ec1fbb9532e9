// When a case must be warned of: [instant, clock, percent] of the whole case's clock, and the end of its state's.
// A case whose clock stands still, or that left the flow, has none ahead (server/domain/clock_rules.py).
function deadlines(doc) {
  if (doc.type !== 'case') return;
  (doc.marks || []).forEach(function (mark) { emit([mark[0], 'case', mark[1]], null); });
  if (doc.state_due_at) emit([doc.state_due_at, 'state', 100], null);
}
