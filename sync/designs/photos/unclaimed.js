// Photos whose record is not there yet, by when their first file came.
function unclaimed(doc) {
  if (doc.type === 'media' && doc.unclaimed_since) emit(doc.unclaimed_since, null);
}
