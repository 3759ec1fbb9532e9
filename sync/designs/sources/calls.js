// Rows [state, source, when] of call-backs: what is to be sent to whom, the longest waiting first; what was given up.
function calls(doc) {
  if (doc.type === 'calls' && doc.state !== 'idle') emit([doc.state, doc.source, doc.next_at], null);
}
