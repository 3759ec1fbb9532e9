// A notice under each party it is for, by when it was written down: what a person's parties were told since they last looked.
function inbox(doc) {
  if (doc.type === 'notice') doc.to.forEach(function (party) { emit([party, doc.noted_at], null); });
}
