// What was refused of tracks and still has its contents, by when it came.
function tracks(doc) {
  if (doc.type !== 'refused' || doc.erased_at || !doc.about) return;
  if (doc.about.type === 'track' || doc.database.indexOf('track-') === 0) emit(doc.refused_at, null);
}
