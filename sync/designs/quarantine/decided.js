// What was decided and still has its contents, by when: the contents go after a while, the decision stays.
function decided(doc) {
  if (doc.type === 'refused' && doc.state !== 'waiting' && doc.decision && doc.decision.is_settled && !doc.erased_at) emit(doc.decision.at, null);
}
