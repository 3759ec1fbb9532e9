// Everything that is erased after a while, by when it was written down.
function ages(doc) {
  if (doc.type === 'notice' || doc.type === 'reading' || doc.type === 'delivery') emit(doc.noted_at, null);
}
