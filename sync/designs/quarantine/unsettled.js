// Decisions whose consequences are not all done yet, by when they were made; entries of the first version, which lack fields, first.
function unsettled(doc) {
  if (doc.type !== 'refused') return;
  if (!doc.about) emit('', null);
  else if (doc.decision && !doc.decision.is_settled) emit(doc.decision.at, null);
}
