// Rows [arrival] of what citizens' apps reported (Open311), and [] with the case's id to find one by it.
function citizens(doc) {
  if (doc.type === 'claim' && doc.kind === 'open311') {
    emit(['at', doc.at], null);
    emit(['case', doc.case], null);
  }
}
