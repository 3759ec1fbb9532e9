// Rows [facet, value, received_at] of a case: every filter of the list, newest first when read backwards.
function facets(doc) {
  if (doc.type !== 'case') return;
  emit(['all', '', doc.received_at], null);
  emit(['state', doc.state, doc.received_at], null);
  emit(['category', doc.category, doc.received_at], null);
  // The two pairs that people have open all day; other pairs are checked on the documents.
  emit(['state+category', doc.state + ' ' + doc.category, doc.received_at], null);
  emit(['state+community', doc.state + ' ' + doc.grid.slice(0, 12), doc.received_at], null);
  emit(['grid', doc.grid, doc.received_at], null);
  emit(['community', doc.grid.slice(0, 12), doc.received_at], null);
  if (doc.unit) emit(['unit', doc.unit, doc.received_at], null);
  // By date, not by arrival. A case that left the flow keeps its date and has no warnings any more.
  if (doc.due_at && doc.marks && doc.marks.length) emit(['due', '', doc.due_at], null);
}
