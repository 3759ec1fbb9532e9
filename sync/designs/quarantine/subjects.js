// A refused thing by the record it is, and a photo's record by the report it belongs to as well.
function subjects(doc) {
  if (doc.type !== 'refused' || !doc.about) return;
  if (doc.about.id) emit(doc.about.id, null);
  if (doc.about.of && doc.about.of !== doc.about.id) emit(doc.about.of, null);
}
