// Which case a photo belongs to.
function photos(doc) {
  if (doc.type !== 'case') return;
  for (var i = 0; i < doc.photos.length; i++) emit(doc.photos[i], null);
}
